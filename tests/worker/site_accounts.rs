//! `/api/site-accounts`: workers make and change them, administrators see them.

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// The contract's own example.
fn example() -> Json {
    json!({
        "campaign_id": 5,
        "site_domain": "example.com",
        "username": "john_doe",
        "email": "john@example.com",
        "status": "pending_verification",
        "verification_link": "https://example.com/verify?token=abc123"
    })
}

#[tokio::test]
async fn a_site_account_is_made_and_verified_as_documented() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (worker, admin) = (stack.worker().await?, stack.worker_administrator()?);
    let told = worker.send(Method::POST, "/site-accounts", &example()).await?.success(201)?;
    assert_eq!(told["message"], "Site account created successfully");
    let made = &told["site_account"];
    for (name, value) in example().as_object().context("no object")? {
        assert_eq!(&made[name], value, "{name}");
    }
    let id = made["id"].as_u64().context("no id")?;
    let change = json!({"status": "verified", "verified_at": "2025-12-03T10:20:00Z"});
    let told = worker.send(Method::PUT, &format!("/site-accounts/{id}"), &change).await?.success(200)?;
    assert_eq!(told, json!({"message": "Site account updated successfully"}));
    let shown = admin.call(Method::GET, &format!("/site-accounts/{id}")).await?.success(200)?["site_account"].clone();
    assert_eq!(json!([shown["status"], shown["verified_at"]]), json!(["verified", "2025-12-03T10:20:00Z"]));
    assert_eq!(
        json!([shown["email"], shown["campaign_id"]]),
        json!(["john@example.com", 5]),
        "what was not sent stays"
    );
    let listed = admin.call(Method::GET, "/site-accounts?limit=100").await?.success(200)?;
    assert!(listed["site_accounts"].as_array().context("no list")?.contains(&shown));
    Ok(())
}

#[tokio::test]
async fn all_faults_are_told_at_once() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    let least = json!({"campaign_id": 5, "site_domain": "example.com"});
    let made = worker.made("/site-accounts", "site_account", &least).await?;
    assert_eq!(json!([made["status"], made["email"]]), json!(["created", null]));
    for (body, fields) in [
        (json!({}), vec!["campaign_id", "site_domain"]),
        (
            json!({"campaign_id": "5", "site_domain": "https://example.com/", "email": "john", "username": ""}),
            vec!["campaign_id", "email", "site_domain", "username"],
        ),
        (
            json!({"campaign_id": 5, "site_domain": "203.0.113.7", "status": "new", "verification_link": "abc123"}),
            vec!["site_domain", "status", "verification_link"],
        ),
    ] {
        assert_eq!(worker.send(Method::POST, "/site-accounts", &body).await?.worker_faults()?, fields, "{body}");
    }
    let path = format!("/site-accounts/{}", made["id"]);
    let wrong = json!({"email": "a b@example.com", "verified_at": 5});
    assert_eq!(worker.send(Method::PUT, &path, &wrong).await?.worker_faults()?, ["email", "verified_at"]);
    let refused = worker.send(Method::PUT, &path, &json!({})).await?.worker_error(400)?;
    assert!(refused.contains("nothing to change"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn the_same_key_and_body_make_one() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    let post = async |body: &Json| {
        let request = worker.request(Method::POST, "/site-accounts").header("Idempotency-Key", "john");
        Answer::of(request.json(body).send().await?).await
    };
    let first = post(&example()).await?.success(201)?;
    assert_eq!(post(&example()).await?.success(201)?, first);
    assert_eq!(post(&json!({"campaign_id": 5, "site_domain": "example.org"})).await?.status, 400);
    Ok(())
}
