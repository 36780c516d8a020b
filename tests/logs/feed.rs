//! The feed behind the stream: what many write at once, and what a job's worker writes.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::{CROWD, Stack, key_of};
use extract::Task;
use jobs::{Claimed, Level, Line, Logs, Place, Policy, Progress};
use serde_json::json;
use table::Clock;
use uuid::Uuid;

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
    let place = feeds(&stack).place_at(&group, Clock::system().now()).await?;
    ensure!(place > Place::default() && place <= all[all.len() - 1].0, "{place}");
    Ok(())
}

/// What a worker says of a job is in the job's own log, and in the feed of its group, the same.
#[tokio::test]
async fn what_a_worker_says_is_in_the_log_and_in_the_feed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let refused = stack.chaos(&Rule::new("AmazonSQS.SendMessage", &user.id, u32::MAX, Fault::not_authorized())).await?;
    let task = user.create_task(json!({"urls": ["https://example.com/"], "selectors": {"a": "a"}})).await?;
    refused.end().await?;
    let key = key_of(&user, &task)?;
    let mut jobs = stack.jobs(Policy::with_lease(Duration::from_mins(1))).await?;
    jobs.logs = Logs::new(stack.table("events")).with_feeds(feeds(&stack));
    let Claimed::Run(mut run, _) = jobs.claim::<Task>(&key, "a test").await? else { bail!("the task is another's") };
    let line = |text: &str| Line::new(Clock::system().now(), Level::Info, "test", text).with("page", 3);
    run.record(Progress { percent: 10, units_used: 0 }, vec![line("one"), line("two")]).await?;
    run.fail("as it should", 0, vec![line("three")]).await?;
    let own = jobs.logs.read(&key.sk, 1, 10).await?;
    let fed = whole(&stack, &key.pk).await?;
    ensure!(fed.iter().all(|(_, line)| line.job == key.sk), "{fed:?}");
    ensure!(fed.into_iter().map(|(_, line)| line.line).collect::<Vec<_>>() == own, "{own:?}");
    ensure!(own.iter().map(|line| line.message.as_str()).eq(["one", "two", "three"]), "{own:?}");
    stack.stored_task(&key).await?.context("the task is gone")?;
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
