//! `/auth/login`, `/cpcb` and `/pwmr`: what callers send who mean no good, or do not know what they do. Nothing of it is a 500, nothing of it changes
//! anything.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::portal::PortalClient;
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Item, Query};
use uuid::Uuid;

/// That a request was refused so, in the contract's form.
fn refused(client: &PortalClient, what: &str, answer: &Answer, status: u16) -> anyhow::Result<()> {
    // What is larger than the gateway takes it refuses itself.
    if answer.status == 413 {
        return Ok(());
    }
    ensure!(answer.status == status, "{what}: {} instead of {status}: {}", answer.status, answer.text()?);
    answer.portal_error(status)?;
    let told = answer.text()?;
    let is_quiet = ["panicked", "DynamoDB", "argon2", "KMS"].iter().all(|word| !told.contains(word));
    ensure!(is_quiet && !told.contains(&client.password), "{what}: {told}");
    Ok(())
}

/// All that a tenant has, as it is stored.
async fn belongings(stack: &Stack, client: &PortalClient) -> anyhow::Result<Vec<Item>> {
    let table = stack.table("portal");
    let of = |partition: String| Query::new(Condition::equal("pk", partition)).consistent();
    let mut found = table.query_items(of(format!("TENANT#{}", client.tenant))).await?.items;
    found.extend(table.query_items(of(format!("USER#{}", client.name))).await?.items);
    Ok(found)
}

/// A value for each way in which a field of text can be wrong.
fn no_texts() -> Vec<Json> {
    vec![json!(null), json!(1), json!(1.5), json!(true), json!([]), json!({}), json!(["a"]), json!(1e300)]
}

#[tokio::test]
async fn no_login_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let (long, longer) = ("x".repeat(255), "x".repeat(257));
    let forms: Vec<(String, u16)> = [
        ("", 400),
        ("&&&&", 400),
        ("=", 400),
        ("username", 400),
        ("username=a", 400),
        ("password=a", 400),
        ("username=&password=", 400),
        ("username=%00&password=a", 400),
        ("username=a&password=a%00", 400),
        ("USERNAME=a&PASSWORD=b", 400),
        ("{\"username\":\"a\",\"password\":\"b\"}", 400),
        ("username=%ff%fe&password=%ff", 401),
        ("username=%F0%9F%98%80&password=%F0%9F%98%80", 401),
        ("username=' OR '1'='1&password=' OR '1'='1", 401),
        ("username=USER%23alice&password=x", 401),
        ("username=..%2f..&password=x", 401),
        ("username=%0d%0aSet-Cookie:a&password=x", 401),
        ("username=$argon2id$v%3D19&password=$argon2id$v%3D19", 401),
        ("username=a&password=x&client_id=%00&scope=admin&grant_type=password", 401),
        ("username[]=a&password[]=b", 400),
    ]
    .into_iter()
    .map(|(form, status)| (form.to_owned(), status))
    .chain([
        (format!("username={long}&password=a"), 400),
        (format!("username=a&password={longer}"), 400),
        (format!("username={}&password=a", client.name), 401),
        (format!("username={}&password={}%20", client.name, client.password), 401),
        (format!("username={}%20&password={}", client.name, client.password), 401),
        (format!("username=a&password=b{}", "&c=d".repeat(20_000)), 401),
        (format!("username=a&password={}", "x".repeat(1_100_000)), 400),
    ])
    .collect();
    for (form, status) in &forms {
        let answer = client.elsewhere()?.send_form(form).await?;
        refused(&client, &form.chars().take(60).collect::<String>(), &answer, *status)?;
    }
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "a/b; c"] {
        let request = client.elsewhere()?.anonymous(Method::POST, "/auth/login").header("Content-Type", kind);
        let answer = Answer::of(request.body("--x\r\n\r\n--x--").send().await?).await?;
        refused(&client, kind, &answer, 400)?;
    }
    let request =
        client.elsewhere()?.anonymous(Method::POST, "/auth/login").body(b"username=a\xff&password=b".to_vec());
    refused(&client, "no UTF-8", &Answer::of(request.send().await?).await?, 400)
}

#[tokio::test]
async fn no_address_query_or_path_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let job = desk.jobs.create(&account).await?;
    let before = belongings(&stack, &client).await?;

    let long = "a".repeat(255);
    for email in [
        "%00",
        "a%00b",
        "%ff",
        "..%2f..",
        "LOGIN%23pwmr",
        "*",
        "%25",
        "%F0%9F%98%80",
        "%0d%0aX:y",
        "' OR '1'='1",
        "null",
        "[]",
        "{}",
        "@",
        long.as_str(),
    ] {
        for portal in ["pwmr", "bwmr"] {
            let path = format!("/cpcb/{portal}?user_email={email}");
            refused(&client, &path, &client.call(Method::POST, &path).await?, 404)?;
        }
    }
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "limit=1e3",
        "limit=%00",
        "limit=99999999999999999999",
        "limit=1.5",
        "cursor=x",
        "cursor=%00",
        "cursor=e30",
        "cursor=IjEi",
        "cursor=bnVsbA",
        "cursor=..%2f",
    ] {
        for path in ["/cpcb/queue", "/pwmr/jobs"] {
            let path = format!("{path}?{query}");
            refused(&client, &path, &client.call(Method::GET, &path).await?, 400)?;
        }
    }
    let cursor = format!("/cpcb/queue?cursor={}", "a".repeat(201));
    refused(&client, "a long cursor", &client.call(Method::GET, &cursor).await?, 400)?;
    for form in ["json", "CSV", "csv,xlsx", "csv%00", "%ff", "..%2fcsv", "xlsx%20", "[]", "aaaaaaaaaaa"] {
        let path = format!("/cpcb/queue/job/{}/download?format={form}", job.id);
        refused(&client, &path, &client.call(Method::GET, &path).await?, 400)?;
    }
    let upper = job.id.to_string().to_uppercase();
    let plain = job.id.simple().to_string();
    for id in [
        "1",
        "job123",
        "%00",
        "%ff",
        "..%2f..",
        "JOB%23x",
        "%7Bid%7D",
        "00000000-0000-0000-0000-00000000000",
        &upper,
        &plain,
        &"9".repeat(500),
    ] {
        for (method, path) in [
            (Method::GET, format!("/cpcb/queue/job/{id}")),
            (Method::DELETE, format!("/cpcb/queue/job/{id}")),
            (Method::GET, format!("/cpcb/queue/job/{id}/download")),
            (Method::GET, format!("/pwmr/status/{id}")),
        ] {
            refused(&client, &path, &client.call(method, &path).await?, 404)?;
        }
    }
    ensure!(belongings(&stack, &client).await? == before, "something has changed");
    Ok(())
}

#[tokio::test]
async fn no_body_gets_through_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let before = belongings(&stack, &client).await?;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"email\": \"{}\"}}", "x".repeat(1_048_576));
    let bodies: [&[u8]; 14] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"email\"",
        b"5",
        b"{\"email\": }",
        b"email=a@example.com",
        b"\xff\xfe",
        b"{\"email\": \"\xc3\x28\"}",
        b"{'email': 'a@example.com'}",
        b"NaN",
        deep.as_bytes(),
        large.as_bytes(),
    ];
    let key = std::env::var("DROVER_ADMIN_KEY")?;
    for body in bodies {
        for (path, token) in
            [("/pwmr/scrape", &client.token), ("/cpcb/admin/users", &key), ("/cpcb/admin/accounts", &key)]
        {
            let request =
                client.anonymous(Method::POST, path).bearer_auth(token).header("Content-Type", "application/json");
            let answer = Answer::of(request.body(body.to_vec()).send().await?).await?;
            let what = format!("{path} {:?}", String::from_utf8_lossy(&body[..body.len().min(30)]));
            refused(&client, &what, &answer, 400)?;
        }
    }
    for email in no_texts() {
        let answer = client.send(Method::POST, "/pwmr/scrape", &json!({"email": email})).await?;
        refused(&client, &email.to_string(), &answer, 400)?;
    }
    ensure!(belongings(&stack, &client).await? == before, "something has changed");
    Ok(())
}

#[tokio::test]
async fn no_field_of_a_user_or_an_account_takes_what_it_should_not() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let tenant = format!("h-{}", Uuid::new_v4().simple());
    let user = json!({"username": tenant, "password": "long enough to be one", "tenant": tenant});
    let account =
        json!({"tenant": tenant, "portal": "pwmr", "email": "a@example.com", "username": "a", "password": "b"});
    let names = ["", " ", "a b", ".a", "a#b", "a/b", "a\u{0}", "a\nb", "\u{e4}", "\u{202e}a", "%00", "<script>"];
    let names: Vec<_> = names.into_iter().map(Json::from).chain([json!("a".repeat(101))]).collect();
    let secrets = vec![json!(""), json!("x".repeat(257)), json!("\u{1f600}".repeat(10_000))];
    let with = |base: &Json, field: &str, value: &Json| {
        let mut body = base.clone();
        body[field] = value.clone();
        body
    };
    let mut cases: Vec<(&str, Json)> = Vec::new();
    for value in no_texts().into_iter().chain(names) {
        for field in ["username", "tenant"] {
            // No tenant at all is a tenant of one's own.
            if field == "username" || !value.is_null() {
                cases.push(("/users", with(&user, field, &value)));
            }
        }
        cases.push(("/accounts", with(&account, "tenant", &value)));
        cases.push(("/accounts", with(&account, "portal", &value)));
        cases.push(("/accounts", with(&account, "email", &value)));
    }
    for value in no_texts().into_iter().chain(secrets) {
        cases.push(("/users", with(&user, "password", &value)));
        cases.push(("/accounts", with(&account, "password", &value)));
    }
    cases.push(("/users", with(&user, "password", &json!("too short"))));
    cases.push(("/accounts", with(&account, "portal", &json!("PWMR"))));
    cases.push(("/accounts", with(&account, "email", &json!(format!("{}@example.com", "a".repeat(250))))));
    for (path, body) in &cases {
        let answer = client.administer(Method::POST, path, Some(body)).await?;
        refused(&client, &format!("{path} {}", body.to_string().chars().take(150).collect::<String>()), &answer, 400)?;
    }
    for path in [
        "/users/%00",
        "/users/a%20b",
        "/users/%ff",
        "/accounts/a%23/pwmr/a",
        "/accounts/a/xwmr/a",
        "/accounts/a/pwmr/%00",
        "/accounts/a/pwmr/%ff",
    ] {
        for method in [Method::GET, Method::DELETE] {
            refused(&client, path, &client.administer(method, path, None).await?, 404)?;
        }
    }
    for query in [
        "/users?limit=0",
        "/users?limit=101",
        "/users?cursor=x",
        "/accounts?tenant=%00",
        "/accounts?tenant=a%20b",
        "/accounts?cursor=e30",
    ] {
        refused(&client, query, &client.administer(Method::GET, query, None).await?, 400)?;
    }
    ensure!(cases.len() >= 100, "{} cases", cases.len());
    let listed = client.administer(Method::GET, &format!("/accounts?tenant={tenant}"), None).await?.success(200)?;
    ensure!(listed["accounts"] == json!([]), "{listed}");
    client.administer(Method::GET, &format!("/users/{tenant}"), None).await?.portal_error(404)?;
    Ok(())
}

#[tokio::test]
async fn no_stream_takes_a_place_or_a_job_that_is_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let long = "x".repeat(3_000);
    let ids = [
        "1",
        "-",
        "1-",
        "-1",
        "1-1-1",
        "1-1 x",
        "+1-1",
        "0x1-1",
        "1e3-1",
        "1.5-1",
        "99999999999999-0",
        "1-9999999",
        "1-1,2-2",
        "1705314600000",
        "17053146000000-1",
        "null",
        "NaN-NaN",
        "TENANT#a",
        "../..",
        "%00",
        "1-%31",
        "<script>",
        "' OR '1'='1",
        &long,
    ];
    for id in ids {
        let request = client.request(Method::GET, "/logs/stream").header("Last-Event-ID", id.as_bytes());
        refused(&client, &format!("Last-Event-ID {id:.40}"), &Answer::of(request.send().await?).await?, 400)?;
    }
    let queries = [
        "job_id=1",
        "job_id=%00",
        "job_id=*",
        "job_id=JOB%23a",
        "job_id=..%2F..%2Fetc",
        "job_id=550e8400e29b41d4a716446655440000",
        "job_id=%7B550e8400-e29b-41d4-a716-446655440000%7D",
        "job_id=550E8400-E29B-41D4-A716-446655440000",
        "since=now",
        "since=0",
        "since=-1",
        "since=1705314600000",
        "since=2024-02-30T00:00:00Z",
        "since=99999-01-01T00:00:00Z",
        "since=%00",
        "format=xml",
        "format=TEXT",
        "format=%00",
    ];
    let queries = queries.into_iter().map(str::to_owned).chain([
        format!("job_id={long}"),
        format!("since={long}"),
        format!("format={long}"),
    ]);
    for query in queries {
        let answer = client.call(Method::GET, &format!("/logs/stream?{query}")).await?;
        refused(&client, &format!("{query:.60}"), &answer, 400)?;
    }
    // A place that nothing lies at is one nevertheless.
    for id in ["0-0", "9999999999999-999999"] {
        let request = client.request(Method::GET, "/logs/stream").header("Last-Event-ID", id);
        let answer = Answer::of(request.send().await?).await?;
        ensure!(answer.status == 200, "{id}: {answer:?}");
    }
    Ok(())
}
