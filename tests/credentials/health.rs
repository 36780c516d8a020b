//! The health of credentials: cooldowns that grow, retirement, and the order of a pool.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::scraper::Pool;
use serde_json::json;
use table::{Clock, Millis};

/// Reports the failure of a credential that is claimed for it; gives the status and for how many minutes it rests, and ends that rest.
async fn fail(pool: &Pool, asked_minutes: u64) -> anyhow::Result<(String, u64)> {
    let claim = pool.claim().await?;
    let failure = json!({"error_message": "Rate limited", "cooldown_minutes": asked_minutes});
    let told = pool.scraper.report(claim.id, "failure", Some(claim.token), &failure).await?.success(200)?;
    let minutes = match told["cooldown_until"].as_str() {
        Some(end) => Clock::system().now().until(Millis::parse(end).context("no time")?).as_secs().div_ceil(60),
        None => 0,
    };
    if minutes > 0 {
        pool.end_wait(claim.id).await?;
    }
    Ok((told["status"].as_str().unwrap_or_default().to_owned(), minutes))
}

#[tokio::test]
async fn consecutive_failures_raise_the_cooldown() -> anyhow::Result<()> {
    let settings = json!({"secret": "email_password", "cooldown_base_minutes": 10, "cooldown_cap_minutes": 60});
    let pool = Stack::from_environment()?.pool_with(settings, 1).await?;
    for (asked, minutes) in [(5, 10), (5, 20), (5, 40), (5, 60), (5, 60), (90, 90)] {
        assert_eq!(fail(&pool, asked).await?, ("cooldown".to_owned(), minutes));
    }
    let claim = pool.claim().await?;
    pool.scraper.report(claim.id, "success", None, &json!({})).await?.success(200)?;
    assert_eq!(fail(&pool, 5).await?, ("cooldown".to_owned(), 10), "a success ends the row");
    Ok(())
}

#[tokio::test]
async fn a_platform_can_say_after_how_many_failures_one_is_retired() -> anyhow::Result<()> {
    let settings = json!({"secret": "email_password", "retire_after": 3});
    let pool = Stack::from_environment()?.pool_with(settings, 1).await?;
    for status in ["cooldown", "cooldown", "failed"] {
        assert_eq!(fail(&pool, 5).await?.0, status);
    }
    assert!(pool.scraper.claim(&pool.platform).await?.is_none());
    assert_eq!(pool.counts().await?, [1, 0, 0, 0, 1, 0]);
    let shown = pool.admin.shown(pool.ids[0]).await?;
    let told = json!([shown["status"], shown["failure_count"], shown["consecutive_failures"]]);
    assert_eq!(told, json!(["failed", 3, 3]));
    Ok(())
}

#[tokio::test]
async fn failures_that_several_functions_see_are_all_counted() -> anyhow::Result<()> {
    // Each function believes what it saw last; a wrong belief must not be acted on.
    let settings = json!({"secret": "email_password", "cooldown_base_minutes": 1, "retire_after": 50});
    let pool = Stack::from_environment()?.pool_with(settings, 1).await?;
    for count in 1..=12_u64 {
        let busy = futures::future::join_all((0..3).map(|_| pool.admin.shown(pool.ids[0])));
        let (failed, _) = tokio::join!(fail(&pool, 1), busy);
        assert_eq!(failed?.0, "cooldown");
        assert_eq!(pool.admin.shown(pool.ids[0]).await?["consecutive_failures"], count);
    }
    Ok(())
}

/// How many credentials a warm function reads ahead (`NARROW` in shared/lease/src/hints.rs): within so many the order is not strict.
const READ_AHEAD: usize = 32;
/// Longer than a warm function keeps what it has read ahead (`KEPT` there): the table's order is what counts then.
const FORGOTTEN: Duration = Duration::from_secs(31);
/// More than several functions read ahead together.
const HALF: usize = 3 * READ_AHEAD;
/// How many are looked at.
const NEXT: usize = 16;

/// A pool in this order of which one half was used twice, and the other once but later; gives how many of the latter are among the next
/// [`NEXT`] that are claimed.
async fn used_once_among_next(stack: &Stack, order: &str) -> anyhow::Result<usize> {
    let pool = stack.pool_with(json!({"secret": "email_password", "order": order}), 2 * HALF).await?;
    let succeed = async |id| pool.scraper.report(id, "success", None, &json!({})).await?.success(200);
    let mut once = BTreeSet::new();
    for _ in 0..HALF {
        once.insert(pool.claim().await?.id);
    }
    for _ in 0..2 {
        let mut twice = Vec::new();
        for _ in 0..HALF {
            twice.push(pool.claim().await?.id);
        }
        for id in twice {
            succeed(id).await?;
        }
    }
    for id in &once {
        succeed(*id).await?;
    }
    tokio::time::sleep(FORGOTTEN).await;
    let mut found = 0;
    for _ in 0..NEXT {
        found += usize::from(once.contains(&pool.claim().await?.id));
    }
    Ok(found)
}

#[tokio::test]
async fn a_pool_goes_by_time_or_by_use() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (by_time, by_use) =
        tokio::join!(used_once_among_next(&stack, "least_recently_used"), used_once_among_next(&stack, "least_used"));
    let (by_time, by_use) = (by_time?, by_use?);
    println!("of {NEXT} that are given out, used once: {by_time} in order of time, {by_use} in order of use");
    // Roughly: functions that get into each other's way give up some of the order.
    assert!(by_time <= NEXT / 4 && by_use >= NEXT * 3 / 4, "{by_time} by time, {by_use} by use");
    Ok(())
}
