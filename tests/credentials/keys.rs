//! `/admin/keys`: scrapers' keys, shown once, listed by preview, revoked.

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use drover_tests::scraper::{ADMIN, QUEUE, Scraper};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Every key's line, page by page.
async fn listed(admin: &Scraper, limit: usize) -> anyhow::Result<Vec<Json>> {
    let (mut keys, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.admin_get(&format!("/keys?limit={limit}&cursor={cursor}")).await?;
        let found = page["keys"].as_array().context("no keys")?;
        anyhow::ensure!(found.len() <= limit, "{} on a page of {limit}", found.len());
        keys.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(keys),
        }
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_by_its_preview() -> anyhow::Result<()> {
    let admin = Stack::from_environment()?.administrator()?;
    let made = admin.admin(Method::POST, "/keys", &json!({"name": "Fleet 7"}), 201).await?;
    let key = made["api_key"].as_str().context("no key")?;
    assert!(key.starts_with("sk_live_") && key.len() == "sk_live_".len() + 64);
    let mut expected = made.clone();
    expected.as_object_mut().context("no object")?.remove("api_key");
    assert_eq!(expected["key_preview"], format!("{}...", &key[..16]));
    assert_eq!((&expected["name"], &expected["is_active"]), (&json!("Fleet 7"), &json!(true)));
    assert!(expected["created_at"].as_str().is_some_and(is_timestamp));
    let all = listed(&admin, 100).await?;
    assert!(all.contains(&expected));
    assert!(all.iter().all(|key| key.get("api_key").is_none() && key.get("hash").is_none()));
    for wrong in [json!({}), json!({"name": ""}), json!({"name": 1}), json!({"name": "x".repeat(201)})] {
        admin.send(Method::POST, &format!("{ADMIN}/keys"), &wrong).await?.queue_error(400)?;
    }
    for wrong in ["cursor=x", "limit=0", "limit=101"] {
        admin.call(Method::GET, &format!("{ADMIN}/keys?{wrong}")).await?.queue_error(400)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_listing_of_keys_is_paged() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let admin = stack.administrator()?;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(json!(stack.scraper().await?.id));
    }
    // Others are made meanwhile; those that were there are on one page each.
    let listed = listed(&admin, 3).await?;
    for id in ids {
        assert_eq!(listed.iter().filter(|key| key["id"] == id).count(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (admin, scraper) = (stack.administrator()?, stack.scraper().await?);
    let path = format!("{ADMIN}/keys/{}", scraper.id);
    assert_eq!(admin.call(Method::DELETE, &path).await?.status, 200);
    // No warm function has seen it: one that has may take it for half a minute more.
    scraper.call(Method::GET, &format!("{QUEUE}/linkedin/next")).await?.queue_error(401)?;
    // Its end is no secret, and revoking it again does no harm.
    let line =
        listed(&admin, 100).await?.into_iter().find(|key| key["id"] == scraper.id.as_str()).context("not listed")?;
    assert_eq!(line["is_active"], false);
    assert_eq!(admin.call(Method::DELETE, &path).await?.status, 200);
    for unknown in ["00000000-0000-0000-0000-000000000000", "1", "x"] {
        admin.call(Method::DELETE, &format!("{ADMIN}/keys/{unknown}")).await?.queue_error(404)?;
    }
    Ok(())
}
