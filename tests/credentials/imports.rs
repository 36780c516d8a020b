//! `POST /admin/credentials/import`: JSON lines and CSV.

use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::scraper::{ADMIN, Pool};
use reqwest::Method;
use serde_json::{Value as Json, json};

const LINES: &str = "application/x-ndjson";
const CSV: &str = "text/csv; charset=utf-8";

async fn import(pool: &Pool, media_type: &str, body: impl Into<reqwest::Body>) -> anyhow::Result<Answer> {
    let path = format!("{ADMIN}/credentials/import?platform={}", pool.platform);
    Answer::of(pool.admin.request(Method::POST, &path).header("Content-Type", media_type).body(body).send().await?)
        .await
}

/// What scrapers are given, by name.
async fn given(pool: &Pool, field: &str) -> anyhow::Result<Vec<Json>> {
    let mut given = Vec::new();
    while let Some(claim) = pool.scraper.claim(&pool.platform).await? {
        given.push(json!([claim.body["name"], claim.body[field]]));
    }
    given.sort_by_key(ToString::to_string);
    Ok(given)
}

#[tokio::test]
async fn json_lines_are_imported() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(0).await?;
    let body = "{\"name\":\"One\",\"email\":\"a@example.com\",\"password\":\"1\"}\n\n{\"name\":\"Zwei\",\"email\":\"b@example.com\",\"password\":\"ü\"}";
    let told = import(&pool, LINES, body).await?.success(201)?;
    assert_eq!(told["imported"], 2);
    assert_eq!(told["last_id"].as_u64(), told["first_id"].as_u64().map(|id| id + 1));
    assert_eq!(pool.counts().await?, [2, 2, 0, 0, 0, 0]);
    assert_eq!(given(&pool, "password").await?, [json!(["One", "1"]), json!(["Zwei", "ü"])]);
    Ok(())
}

#[tokio::test]
async fn csv_is_imported() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let pool = stack.pool(0).await?;
    // With the mark that spreadsheets put first, quotes, and a column that means nothing.
    let body = "\u{feff}name,email, password ,note\r\nOne,a@example.com,\"p,\"\"1\"\"\",x\r\nTwo,b@example.com,2,\r\n";
    assert_eq!(import(&pool, CSV, body).await?.success(201)?["imported"], 2);
    assert_eq!(given(&pool, "password").await?, [json!(["One", "p,\"1\""]), json!(["Two", "2"])]);

    let pool = stack.pool_with(json!({"secret": "credentials"}), 0).await?;
    let body = "name,cookie,csrf_token\nSet 1,session_id=abc123,xyz789\n";
    assert_eq!(import(&pool, CSV, body).await?.success(201)?["imported"], 1);
    let expected = json!(["Set 1", {"cookie": "session_id=abc123", "csrf_token": "xyz789"}]);
    assert_eq!(given(&pool, "credentials").await?, [expected]);
    Ok(())
}

#[tokio::test]
async fn more_than_one_transaction_is_imported() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(250).await?;
    assert_eq!(pool.counts().await?, [250, 250, 0, 0, 0, 0]);
    assert_eq!(pool.ids.len(), 250);
    for id in [pool.ids[0], pool.ids[98], pool.ids[99], pool.ids[249]] {
        assert_eq!(pool.admin.shown(id).await?["platform"], pool.platform.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_line_imports_nothing_and_is_told_by_its_number() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(0).await?;
    let good = "{\"name\":\"One\",\"email\":\"a@example.com\",\"password\":\"1\"}";
    for (media_type, body, wrong) in [
        (LINES, format!("{good}\noops\n{good}\n{{\"name\":\"x\"}}\n"), vec![2, 4]),
        (LINES, format!("{good}\n[]\n\"x\"\n1\nnull\n"), vec![2, 3, 4, 5]),
        (CSV, "name,email,password\nOne,a@example.com,1\nTwo,b@example.com\nThree,,3\n".to_owned(), vec![3, 4]),
        (CSV, "name,email\nOne,a@example.com\n".to_owned(), vec![2]),
    ] {
        let answer = import(&pool, media_type, body.clone()).await?;
        answer.queue_error(400)?;
        let told = answer.json()?;
        let numbers: Vec<_> =
            told["lines"].as_array().into_iter().flatten().filter_map(|line| line["line"].as_u64()).collect();
        assert_eq!(numbers, wrong, "{body}: {told}");
    }
    for media_type in ["text/plain", "", "application/xml"] {
        import(&pool, media_type, good).await?.queue_error(400)?;
    }
    import(&pool, LINES, "x".repeat(1024 * 1024 + 1)).await?.queue_error(400)?;
    import(&pool, LINES, format!("{good}\n").repeat(2_001)).await?.queue_error(400)?;
    import(&pool, CSV, vec![b'n', 0xff, b'\n']).await?.queue_error(400)?;
    for query in ["", "?platform=myspace", "?platform="] {
        let path = format!("{ADMIN}/credentials/import{query}");
        let request = pool.admin.request(Method::POST, &path).header("Content-Type", LINES).body(good);
        Answer::of(request.send().await?).await?.queue_error(400)?;
    }
    assert_eq!(pool.counts().await?, [0, 0, 0, 0, 0, 0]);
    Ok(())
}
