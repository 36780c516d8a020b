//! `GET /{platform}/next` and `POST /{id}/heartbeat`.

use std::collections::BTreeSet;

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::scraper::{Pool, QUEUE, SECRET, email};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};

/// For how many seconds from now a lease lasts.
fn seconds_left(end: &Json) -> anyhow::Result<f64> {
    let text = end.as_str().context("no time")?;
    anyhow::ensure!(is_timestamp(text), "another form of time: {text}");
    let (now, end) = (Clock::system().now(), Millis::parse(text).context("no time")?);
    Ok(now.until(end).as_secs_f64())
}

/// Whole seconds are told, rounded down, of a moment that has passed a little.
fn lasts(end: &Json, seconds: f64) -> anyhow::Result<()> {
    let left = seconds_left(end)?;
    anyhow::ensure!((seconds - 10.0..=seconds).contains(&left), "{left} s are left, not {seconds}");
    Ok(())
}

#[tokio::test]
async fn next_gives_an_address_and_a_password() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let answer = pool.scraper.ask_next(&pool.platform, "session_id=scraper-001").await?;
    let body = answer.success(200)?;
    let fields: Vec<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(fields, ["id", "platform", "name", "email", "password", "lease_token", "lease_expires_at"]);
    let told =
        json!([body["id"], body["platform"], body["name"], body["email"], body["password"], body["lease_token"]]);
    assert_eq!(told, json!([pool.ids[0], pool.platform, "Account 1", email(1), format!("{SECRET}-1"), 1]));
    lasts(&body["lease_expires_at"], 900.0)?;
    // The same two as headers; and no cache may keep a secret.
    assert_eq!(answer.number("x-lease-token")?, 1);
    assert_eq!(json!(answer.header("x-lease-expires-at")), body["lease_expires_at"]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    let shown = pool.admin.shown(pool.ids[0]).await?;
    let told = json!([shown["status"], shown["in_use_by"], shown["session_id"], shown["use_count"]]);
    assert_eq!(told, json!(["in_use", pool.scraper.id, "scraper-001", 1]));
    assert_eq!(shown["lease_expires_at"], body["lease_expires_at"]);
    Ok(())
}

#[tokio::test]
async fn next_gives_a_set_of_credentials() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool_with(json!({"secret": "credentials"}), 1).await?;
    let body = pool.claim().await?.body;
    let fields: Vec<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(fields, ["id", "platform", "name", "credentials", "lease_token", "lease_expires_at"]);
    assert_eq!(body["credentials"], json!({"cookie": format!("{SECRET}-1")}));
    Ok(())
}

#[tokio::test]
async fn nothing_free_is_a_204_and_an_unknown_platform_a_400() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(0).await?;
    let answer = pool.scraper.ask_next(&pool.platform, "").await?;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    for platform in ["myspace", "LinkedIn", "linkedin%20", "1"] {
        pool.scraper.ask_next(platform, "").await?.queue_error(400)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_contracts_platforms_are_there_from_the_start() -> anyhow::Result<()> {
    let admin = Stack::from_environment()?.administrator()?;
    for (platform, secret) in
        [("linkedin", "email_password"), ("glassdoor", "credentials"), ("techfetch", "email_password")]
    {
        let known = admin.admin_get(&format!("/platforms/{platform}")).await?;
        assert_eq!((&known["name"], &known["secret"]), (&json!(platform), &json!(secret)));
    }
    Ok(())
}

#[tokio::test]
async fn each_is_given_to_one_caller_and_all_are_given_out() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(20).await?;
    let mut given = BTreeSet::new();
    for _ in &pool.ids {
        let claim = pool.claim().await?;
        assert!(given.insert(claim.id) && claim.token == 1, "given twice: {claim:?}");
    }
    assert_eq!(given, pool.ids.iter().copied().collect());
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    assert_eq!(pool.counts().await?, [20, 0, 20, 0, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn the_lease_lasts_as_the_platform_or_the_caller_says() -> anyhow::Result<()> {
    let settings = json!({"secret": "email_password", "lease_seconds": 77});
    let pool = Stack::from_environment()?.pool_with(settings, 4).await?;
    lasts(&pool.claim().await?.body["lease_expires_at"], 77.0)?;
    for (asked, seconds) in [("30", 30.0), ("43200", 43_200.0)] {
        let answer = pool.scraper.ask_next(&pool.platform, &format!("lease_seconds={asked}")).await?.success(200)?;
        lasts(&answer["lease_expires_at"], seconds)?;
    }
    for wrong in ["29", "43201", "0", "-1", "1e3", "x", "30.5"] {
        pool.scraper.ask_next(&pool.platform, &format!("lease_seconds={wrong}")).await?.queue_error(400)?;
    }
    assert_eq!(pool.counts().await?, [4, 1, 3, 0, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_claimable_and_the_token_grows() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    for token in 1..=4 {
        let claim = pool.claim().await?;
        assert_eq!((claim.id, claim.token), (pool.ids[0], token));
        assert!(pool.scraper.claim(&pool.platform).await?.is_none());
        pool.end_wait(claim.id).await?;
        assert_eq!(pool.admin.shown(claim.id).await?["status"], "available", "whatever recovery has done");
    }
    Ok(())
}

#[tokio::test]
async fn a_heartbeat_keeps_the_lease() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let body = pool.scraper.ask_next(&pool.platform, "lease_seconds=30").await?.success(200)?;
    let (id, token) = (pool.ids[0], body["lease_token"].as_u64());
    for (token, body, seconds) in [
        (token, json!({}), 900.0),
        (None, json!({"lease_seconds": 1_000}), 1_000.0),
        (token, json!({"lease_seconds": 2_000}), 2_000.0),
    ] {
        let answer = pool.scraper.report(id, "heartbeat", token, &body).await?;
        let told = answer.success(200)?;
        assert_eq!((&told["status"], &told["lease_token"]), (&json!("in_use"), &json!(1)));
        lasts(&told["lease_expires_at"], seconds)?;
        assert_eq!(answer.number("x-lease-token")?, 1);
        assert_eq!(json!(answer.header("x-lease-expires-at")), told["lease_expires_at"]);
    }
    // In the query too; and never shorter than it was.
    let path = format!("{QUEUE}/{id}/heartbeat?lease_seconds=30");
    let told = pool.scraper.call(Method::POST, &path).await?.success(200)?;
    lasts(&told["lease_expires_at"], 2_000.0)?;
    for wrong in
        [json!({"lease_seconds": 29}), json!({"lease_seconds": 43_201}), json!({"lease_seconds": "60"}), json!([])]
    {
        pool.scraper.report(id, "heartbeat", token, &wrong).await?.queue_error(400)?;
    }
    lasts(&pool.admin.shown(id).await?["lease_expires_at"], 2_000.0)
}

#[tokio::test]
async fn a_heartbeat_without_a_length_lasts_as_the_platform_says() -> anyhow::Result<()> {
    let settings = json!({"secret": "email_password", "lease_seconds": 300});
    let pool = Stack::from_environment()?.pool_with(settings, 1).await?;
    pool.scraper.ask_next(&pool.platform, "lease_seconds=30").await?.success(200)?;
    // Whatever warm function is asked: also one that has not seen the claim.
    for _ in 0..4 {
        let told = pool.scraper.report(pool.ids[0], "heartbeat", Some(1), &json!({})).await?.success(200)?;
        lasts(&told["lease_expires_at"], 300.0)?;
    }
    Ok(())
}

#[tokio::test]
async fn head_claims_nothing() -> anyhow::Result<()> {
    let pool = Stack::from_environment()?.pool(1).await?;
    let answer = pool.scraper.call(Method::HEAD, &format!("{QUEUE}/{}/next", pool.platform)).await?;
    assert_eq!((answer.status, answer.header("allow"), answer.body.len()), (405, Some("GET"), 0));
    assert_eq!(pool.counts().await?, [1, 1, 0, 0, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn a_new_platform_is_known_to_every_function_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // Several at once: more than one warm function.
    let fresh = async || -> anyhow::Result<()> {
        let Pool { scraper, platform, .. } = stack.pool(1).await?;
        let asked = futures::future::try_join_all((0..8).map(|_| scraper.ask_next(&platform, ""))).await?;
        let statuses: Vec<_> = asked.iter().map(|answer: &Answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 7, "{statuses:?}");
        Ok(())
    };
    for _ in 0..3 {
        fresh().await?;
    }
    Ok(())
}
