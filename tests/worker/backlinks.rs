//! `/api/backlinks`: workers make and change them, administrators see them.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// The contract's own example.
fn example() -> Json {
    json!({
        "campaign_id": 5,
        "url": "https://example.com/article#comment-123",
        "type": "comment",
        "status": "submitted",
        "keyword": "seo tools",
        "anchor_text": "best seo tools",
        "site_account_id": 10
    })
}

#[tokio::test]
async fn a_backlink_is_made_and_verified_as_documented() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, admin) = (stack.worker().await?, stack.worker_administrator()?);
    let told = worker.send(Method::POST, "/backlinks", &example()).await?.success(201)?;
    assert_eq!(told["message"], "Backlink created successfully");
    let made = &told["backlink"];
    for (name, value) in example().as_object().context("no object")? {
        assert_eq!(&made[name], value, "{name}");
    }
    assert!(made["created_at"].as_str().is_some_and(is_timestamp));
    let id = made["id"].as_u64().context("no id")?;

    // Sent twice it is done once.
    for _ in 0..2 {
        let change = json!({"status": "verified", "verified_at": "2025-12-03T10:15:00Z"});
        let told = worker.send(Method::PUT, &format!("/backlinks/{id}"), &change).await?.success(200)?;
        assert_eq!(told, json!({"message": "Backlink updated successfully"}));
    }
    let shown = admin.call(Method::GET, &format!("/backlinks/{id}")).await?.success(200)?["backlink"].clone();
    let mut expected = made.clone();
    expected["status"] = json!("verified");
    expected["verified_at"] = json!("2025-12-03T10:15:00Z");
    expected["updated_at"] = shown["updated_at"].clone();
    assert_eq!(shown, expected);
    Ok(())
}

#[tokio::test]
async fn the_least_that_it_needs_is_enough() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    let least = json!({"campaign_id": 5, "url": "http://example.com", "type": "guest_post"});
    let made = worker.made("/backlinks", "backlink", &least).await?;
    assert_eq!(json!([made["status"], made["keyword"], made["site_account_id"]]), json!(["pending", null, null]));
    Ok(())
}

#[tokio::test]
async fn all_faults_are_told_at_once() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    let id = worker.made("/backlinks", "backlink", &example()).await?["id"].clone();
    for (body, fields) in [
        (json!({}), vec!["campaign_id", "type", "url"]),
        (json!({"campaign_id": null, "url": "", "type": "banner"}), vec!["campaign_id", "type", "url"]),
        (
            json!({"campaign_id": 1, "url": "https://example.com", "type": "forum", "status": "done", "keyword": 5}),
            vec!["keyword", "status"],
        ),
    ] {
        assert_eq!(worker.send(Method::POST, "/backlinks", &body).await?.worker_faults()?, fields, "{body}");
    }
    let path = format!("/backlinks/{id}");
    for (body, fields) in [
        (json!({"status": "Verified", "verified_at": "yesterday"}), vec!["status", "verified_at"]),
        (json!({"url": "ftp://example.com", "site_account_id": 0}), vec!["site_account_id", "url"]),
        (json!({"verified_at": "2025-12-03"}), vec!["verified_at"]),
    ] {
        assert_eq!(worker.send(Method::PUT, &path, &body).await?.worker_faults()?, fields, "{body}");
    }
    for nothing in [json!({}), json!({"unknown": 1}), json!({"status": null})] {
        let refused = worker.send(Method::PUT, &path, &nothing).await?.worker_error(400)?;
        assert!(refused.contains("nothing to change"), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn administrators_see_them_page_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, admin) = (stack.worker().await?, stack.worker_administrator()?);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(worker.made("/backlinks", "backlink", &example()).await?);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    // Others make some meanwhile: those that were there are on one page each, the newest first.
    while found.len() < made.len() {
        let page = admin.call(Method::GET, &format!("/backlinks?limit=2&cursor={cursor}")).await?.success(200)?;
        let records = page["backlinks"].as_array().context("no list")?;
        assert!(records.len() <= 2);
        found.extend(records.iter().filter(|record| made.contains(record)).cloned());
        page["next_cursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        ensure!(found.len() >= made.len() || !cursor.is_empty(), "the list has ended");
    }
    found.reverse();
    assert_eq!(found, made);
    assert_eq!(admin.call(Method::GET, "/backlinks?cursor=x").await?.worker_faults()?, ["cursor"]);
    Ok(())
}

#[tokio::test]
async fn the_same_key_and_body_make_one() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, other) = (stack.worker().await?, stack.worker().await?);
    let post = async |by: &drover_tests::worker::Worker, body: &Json| {
        let request = by.request(Method::POST, "/backlinks").header("Idempotency-Key", "comment-123");
        Answer::of(request.json(body).send().await?).await
    };
    let first = post(&worker, &example()).await?.success(201)?;
    assert_eq!(post(&worker, &example()).await?.success(201)?, first);
    let changed = json!({"campaign_id": 6, "url": "https://example.com", "type": "comment"});
    assert!(post(&worker, &changed).await?.worker_error(400)?.contains("Idempotency-Key"));
    // Another's key is another key.
    assert_ne!(post(&other, &example()).await?.success(201)?["backlink"]["id"], first["backlink"]["id"]);
    Ok(())
}
