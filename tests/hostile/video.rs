//! `/api/v1`: what callers send who mean no good, or do not know what they do. Nothing of it is a 500, nothing of it changes anything.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::video::VideoClient;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

/// What a request is answered with.
fn refused(client: &VideoClient, what: &str, answer: &Answer, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status == status, "{what}: {} instead of {status}: {}", answer.status, answer.text()?);
    if status == 422 {
        ensure!(!answer.video_faults()?.is_empty(), "{what}: nothing told");
    } else {
        answer.video_error(status)?;
    }
    let told = answer.text()?;
    ensure!(
        !told.contains("panicked") && !told.contains("DynamoDB") && !told.contains(&client.tenant),
        "{what}: {told}"
    );
    Ok(())
}

fn with(base: &Json, field: &str, value: Json) -> Json {
    let mut body = base.clone();
    body[field] = value;
    body
}

/// Values that no field of a job or schedule takes.
fn wrong(field: &str) -> Vec<Json> {
    let no_texts = vec![json!(1), json!(true), json!([]), json!({}), json!(["profile"]), json!(1.5)];
    let no_numbers = vec![
        json!("50"),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(9_007_199_254_740_993_u64),
        json!(true),
        json!([1]),
    ];
    match field {
        "mode" => [no_texts, vec![json!(""), json!("PROFILE"), json!("user"), json!("profile ")]].concat(),
        "value" => {
            let texts = [
                "",
                "@",
                "#",
                "a b",
                "a/b",
                "..",
                ".a",
                "a\u{0}b",
                "a\nb",
                "<script>",
                "a%2fb",
                "\u{202e}abc",
                "a?b",
                "🙂",
            ];
            [no_texts, texts.map(Json::from).to_vec(), vec![json!("x".repeat(101)), json!("ß".repeat(10_000))]].concat()
        }
        "limit" => [no_numbers, vec![json!(201)]].concat(),
        "interval_minutes" => [no_numbers, vec![json!(4), json!(525_601)]].concat(),
        "no_watermark" | "enabled" => vec![json!("true"), json!(1), json!(0), json!([]), json!({})],
        "since" | "until" => {
            let texts =
                ["", "yesterday", "2024-13-01", "2024-02-30T00:00:00Z", "1950-01-01", "2024-01-01T25:00:00", "0"];
            [vec![json!(1_704_067_200), json!([]), json!({})], texts.map(Json::from).to_vec()].concat()
        }
        "drive_folder_id" => {
            vec![json!(5), json!(""), json!("a/b"), json!("../x"), json!("a b"), json!("x".repeat(201)), json!([])]
        }
        _ => [no_texts, vec![json!(""), json!("   "), json!("a\u{7}b"), json!("x".repeat(201))]].concat(),
    }
}

#[tokio::test]
async fn no_field_of_a_job_takes_what_it_should_not() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let job = json!({"mode": "profile", "value": "khaby.lame"});
    for field in ["mode", "value", "limit", "no_watermark", "since", "until", "drive_folder_id"] {
        for value in wrong(field) {
            let body = with(&job, field, value);
            let answer = client.send(Method::POST, "/jobs", &body).await?;
            ensure!(answer.video_faults()? == [format!("body.{field}")], "{body}: {}", answer.text()?);
        }
    }
    ensure!(client.get("/stats").await?["total_jobs"] == 0, "something was made");
    Ok(())
}

#[tokio::test]
async fn no_field_of_a_schedule_takes_what_it_should_not() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let schedule = json!({"name": "A", "mode": "profile", "value": "khaby.lame", "interval_minutes": 5});
    let made = client.send(Method::POST, "/scheduled-jobs", &schedule).await?.success(201)?;
    let path = format!("/scheduled-jobs/{}", made["id"].as_str().unwrap_or_default());
    for field in ["name", "mode", "value", "limit", "no_watermark", "interval_minutes", "enabled", "drive_folder_id"] {
        for (number, value) in wrong(field).into_iter().enumerate() {
            // By turns in a new one, and in a change.
            let answer = if number % 2 == 0 {
                client.send(Method::POST, "/scheduled-jobs", &with(&schedule, field, value)).await?
            } else {
                client.send(Method::PATCH, &path, &with(&json!({}), field, value)).await?
            };
            ensure!(answer.video_faults()? == [format!("body.{field}")], "{field}: {}", answer.text()?);
        }
    }
    ensure!(client.get("/scheduled-jobs").await? == json!([made]), "something has changed");
    Ok(())
}

#[tokio::test]
async fn no_body_query_or_path_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1"]).await?;
    let before = client.get(&format!("/jobs/{}", job.id)).await?;

    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"mode\": \"{}\"}}", "x".repeat(1_048_576));
    let bodies: [&[u8]; 14] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"profile\"",
        b"5",
        b"{\"mode\": }",
        b"mode=profile&value=a",
        b"\xff\xfe",
        b"{\"mode\": \"\xc3\x28\"}",
        b"{'mode': 'profile'}",
        b"NaN",
        deep.as_bytes(),
        large.as_bytes(),
    ];
    for body in bodies {
        for path in ["/jobs", "/scheduled-jobs"] {
            let request = client.request(Method::POST, path).await?.header("Content-Type", "application/json");
            let answer = Answer::of(request.body(body.to_vec()).send().await?).await?;
            let what = format!("{path} {:?}", String::from_utf8_lossy(&body[..body.len().min(30)]));
            // What is larger than the gateway takes it refuses itself.
            if answer.status != 413 {
                refused(&client, &what, &answer, 422)?;
            }
        }
    }
    for query in [
        "/jobs?limit=0",
        "/jobs?limit=201",
        "/jobs?limit=-1",
        "/jobs?limit=x",
        "/jobs?limit=1e3",
        "/jobs?limit=99999999999999999999",
        "/jobs?offset=-1",
        "/jobs?offset=x",
        "/jobs?offset=1000001",
        "/jobs?status=done",
        "/jobs?status=PENDING",
        "/jobs?status=%00",
        "/videos?limit=0",
        "/videos?mode=user",
        "/videos?status=completed",
        "/videos?status=x%27--",
        "/videos?offset=1.5",
        "/scheduled-jobs?enabled=maybe",
        "/scheduled-jobs?enabled=2",
    ] {
        refused(&client, query, &client.call(Method::GET, query).await?, 422)?;
    }
    let long = "x".repeat(101);
    for name in ["value", "author_username", "hashtag"] {
        let query = format!("/videos?{name}={long}");
        refused(&client, &query, &client.call(Method::GET, &query).await?, 422)?;
        let query = format!("/videos?{name}=%00");
        refused(&client, &query, &client.call(Method::GET, &query).await?, 422)?;
    }
    for path in [
        "/jobs/1",
        "/jobs/%00",
        "/jobs/..%2f..",
        "/jobs/00000000-0000-0000-0000-00000000000",
        "/jobs/{id}",
        "/jobs/%7Bid%7D",
        "/videos/%00",
        "/videos/%ff",
        "/videos/TENANT%23x",
        "/videos/1%231",
        "/scheduled-jobs/x",
        "/scheduled-jobs/%27",
    ] {
        refused(&client, path, &client.call(Method::GET, path).await?, 404)?;
    }
    let upper = format!("/jobs/{}", job.id.to_string().to_uppercase());
    refused(&client, &upper, &client.call(Method::GET, &upper).await?, 404)?;
    let plain = format!("/jobs/{}", job.id.simple());
    refused(&client, &plain, &client.call(Method::GET, &plain).await?, 404)?;
    let video = format!("/videos/{}", "9".repeat(500));
    refused(&client, &video, &client.call(Method::GET, &video).await?, 404)?;
    ensure!(client.get(&format!("/jobs/{}", job.id)).await? == before, "something has changed");
    Ok(())
}
