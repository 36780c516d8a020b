//! How often one address may call.

use std::time::Duration;

use anyhow::Context;
use drover_tests::answer::Answer;
use drover_tests::{CROWD, Stack};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use table::Clock;

const WINDOW: u64 = 60_000;

/// Waits for a window that has time enough left.
pub(super) async fn in_one_window(needed: Duration) {
    let now = Clock::system().now().0;
    let left = Duration::from_millis(WINDOW - now % WINDOW);
    if left < needed {
        tokio::time::sleep(left).await;
    }
}

#[tokio::test]
async fn of_500_requests_by_64_callers_in_one_window_exactly_120_pass() -> anyhow::Result<()> {
    // A count that a busy engine does not answer in time is made again, and counts twice.
    let _crowd = CROWD.lock().await;
    let worker = Stack::from_environment()?.worker().await?;
    in_one_window(Duration::from_secs(40)).await;
    let began = Clock::system().now().0 / WINDOW;
    let calls = stream::iter(0..500).map(|_| worker.call(Method::GET, "/tasks/pending?campaign_id=1"));
    let answers: Vec<Answer> = calls.buffer_unordered(64).try_collect().await?;
    assert_eq!(
        Clock::system().now().0 / WINDOW,
        began,
        "the window has ended under the test: is the machine that slow?"
    );
    let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((passed.len(), refused.len()), (120, 380));
    let mut remaining = Vec::new();
    for answer in &passed {
        assert_eq!(answer.number("x-ratelimit-limit")?, 120);
        remaining.push(answer.number("x-ratelimit-remaining")?);
    }
    remaining.sort_unstable();
    assert_eq!(remaining, (0..120).collect::<Vec<_>>(), "each is told another rest");
    let mut wait = 0;
    for answer in &refused {
        answer.worker_error(429)?;
        assert_eq!(answer.number("x-ratelimit-remaining")?, 0);
        wait = answer.number("retry-after")?;
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // Another address has a count of its own.
    worker.elsewhere()?.call(Method::GET, "/tasks/pending?campaign_id=1").await?.success(200)?;
    // Waiting that long is enough.
    tokio::time::sleep(Duration::from_secs(wait)).await;
    worker.call(Method::GET, "/tasks/pending?campaign_id=1").await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn a_token_guesser_is_counted_and_no_header_gives_another_address() -> anyhow::Result<()> {
    let worker = Stack::from_environment()?.worker().await?;
    in_one_window(Duration::from_secs(10)).await;
    let mut last = None;
    for guess in 0..5 {
        let request =
            worker.anonymous(Method::GET, "/tasks/pending").header("X-API-Token", format!("guess-{guess:08}"));
        let request = request.header("X-Forwarded-For", format!("10.0.0.{guess}")).header("X-Real-IP", "10.1.1.1");
        let answer = Answer::of(request.send().await?).await?;
        answer.worker_error(401)?;
        let remaining = answer.number("x-ratelimit-remaining")?;
        assert!(last.is_none_or(|last: u64| remaining == last - 1), "{last:?}, then {remaining}");
        last = Some(remaining);
    }
    last.context("nothing was told")?;
    Ok(())
}
