//! The feed behind the stream: what many write at once, and what a job's worker writes.

use std::time::Duration;

use anyhow::ensure;
use drover_tests::{CROWD, Stack};
use jobs::{Level, Line, Place, Progress};
use portals::Portal;
use reqwest::StatusCode;
use table::Clock;
use uuid::Uuid;

use super::requests::ask;
use super::{Tenant, feeds, whole, write};

/// From whichever line a reader goes on: all that comes after it, and nothing else.
#[tokio::test]
async fn a_feed_that_many_write_is_in_one_order_from_every_place() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _crowd = CROWD.lock().await;
    let group = format!("TENANT#{}", Uuid::new_v4());
    let jobs: Vec<_> = (0..8).map(|_| Uuid::new_v4()).collect();
    write(&stack, &group, &jobs, 30).await?;
    let all = whole(&stack, &group).await?;
    ensure!(all.len() == 8 * 30, "{} lines", all.len());
    ensure!(all.is_sorted_by(|a, b| a.0 < b.0), "the places are not in order");
    for (n, (place, _)) in all.iter().enumerate().step_by(13) {
        let rest = feeds(&stack).read(&group, *place).await?;
        ensure!(all[n + 1..].starts_with(&rest.lines), "other lines come after {place}");
        ensure!(rest.more || n + 1 + rest.lines.len() == all.len(), "fewer lines come after {place}");
    }
    let (now, minute) = (Clock::system().now(), Duration::from_mins(1));
    let place = feeds(&stack).place_at(&group, now.after(minute)).await?;
    ensure!(place > Place::default() && place <= all[all.len() - 1].0, "{place}");
    // Whose clock is late: what they say now is looked for a minute earlier too.
    ensure!(feeds(&stack).place_at(&group, now.before(minute)).await? == Place::default(), "a minute is too little");
    Ok(())
}

/// What a worker says of a job is in the job's own log and in the feed of its tenant, the same, and the tenant sees it as it comes.
#[tokio::test]
async fn what_a_worker_says_is_in_the_log_and_in_the_feed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, desk) = (Tenant::new(&stack).await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&tenant.client.tenant, Portal::Pwmr).await?;
    let job = desk.jobs.create(&account).await?;
    let mut run = desk.begin(&job).await?;
    let line = |text: &str| Line::new(Clock::system().now(), Level::Info, "test", text).with("page", 3);
    run.record(Progress { percent: 10, units_used: 0 }, vec![line("one"), line("two")]).await?;
    let path = format!("/logs/stream?job_id={}", job.id);
    let (status, source, said) = ask(&tenant, &path, None).await?;
    ensure!(status == StatusCode::OK && said == ["one", "two"], "{status}: {said:?}");
    run.fail("as it should", 0, vec![line("three")]).await?;
    let (_, source, said) = ask(&tenant, &path, source.last_event_id.as_deref()).await?;
    ensure!(said == ["three"], "{said:?}");
    let own = desk.jobs.jobs.logs.read(&job.key.sk, 1, 10).await?;
    let fed = whole(&stack, &tenant.group).await?;
    ensure!(fed.iter().all(|(_, line)| line.job == job.key.sk), "{fed:?}");
    let last = fed.last().map(|(place, _)| place.to_string());
    ensure!(last == source.last_event_id, "{last:?}: {source:?}");
    ensure!(fed.into_iter().map(|(_, line)| line.line).collect::<Vec<_>>() == own, "{own:?}");
    ensure!(own.iter().map(|line| line.message.as_str()).eq(["one", "two", "three"]), "{own:?}");
    Ok(())
}

/// One more request for each write of lines, and none while nobody says anything.
#[tokio::test]
async fn a_write_costs_one_request_more_and_a_look_one() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tenant = Tenant::new(&stack).await?;
    let feeds = feeds(&stack);
    // The first finds out where the feed is.
    feeds.append(&tenant.group, "JOB#1", super::lines(1, 1)).await?;
    let (appended, cost) =
        Box::pin(table::cost::metered(feeds.append(&tenant.group, "JOB#1", super::lines(2, 3)))).await;
    appended?;
    ensure!(cost.dynamodb_requests == 1, "{cost:?}");
    let end = feeds.read(&tenant.group, Place::default()).await?.end;
    let (idle, cost) = Box::pin(table::cost::metered(feeds.read(&tenant.group, end))).await;
    ensure!(idle?.lines.is_empty() && cost.dynamodb_requests == 1, "{cost:?}");
    // A segment is some 4 KB: a unit.
    ensure!(!stack.counts_capacity || cost.read_units <= 1.0, "{cost:?}");
    Ok(())
}
