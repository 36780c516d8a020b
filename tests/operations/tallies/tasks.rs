//! Tasks as the API's own crate writes them, each change told by the test: so what is counted is one user's, and can be held to the API's lists.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::quiet::QuietTasks;
use drover_tests::second_engine::SecondEngine;
use drover_tests::{Stack, User};
use extract::{Task, TaskType};
use reqwest::Method;
use table::{Clock, Item, Millis, new_id};
use tallies::{Change, JobTally, Kind, Last, Source, Tallies};

/// 2024-01-15T10:59:00Z: what goes on for some minutes goes on into the next hour.
const BEGUN: Millis = Millis(1_705_316_340_000);

/// Somebody who looks at a task before and after each thing that is done to it.
struct Observer {
    stack: Stack,
    clock: Clock,
    changes: Vec<Change>,
}

impl Observer {
    async fn image(&self, task: &Task) -> anyhow::Result<Item> {
        Ok(self.stack.table("extract").get_item(&task.key, true).await?.unwrap_or_default())
    }

    /// What has changed since a task was as it was.
    async fn saw(&mut self, task: &Task, before: Item) -> anyhow::Result<Item> {
        let after = self.image(task).await?;
        let at = self.clock.now();
        let sequence = new_id(Clock::system().now()).to_string();
        self.changes.push(Change { source: Source::Extract, sequence, at, before, after: after.clone() });
        self.clock.advance(Duration::from_secs(20));
        Ok(after)
    }
}

/// How many tasks of a status the API lists.
async fn listed(user: &User, status: &str) -> anyhow::Result<u64> {
    let tasks = user.get(&format!("/tasks?limit=100&status={status}")).await?;
    Ok(tasks.as_array().context("no list")?.len() as u64)
}

async fn tasks_of(tallies: &Tallies) -> anyhow::Result<JobTally> {
    let overview = tallies.overview().await?;
    overview.jobs.into_iter().find(|jobs| jobs.kind == Kind::Extract).context("no tasks")
}

#[tokio::test]
async fn tasks_are_counted_as_the_api_lists_them() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, clock) = (stack.user().await?, Clock::fake(BEGUN));
    let quiet = QuietTasks::new(&stack, clock.clone()).await?;
    let mut observer = Observer { stack: stack.clone(), clock: clock.clone(), changes: Vec::new() };
    let (mut tasks, mut images) = (Vec::new(), Vec::new());
    for number in 0..7 {
        let task = quiet.pending(&user, &format!("Task {number}"), TaskType::SimpleScraping).await?;
        images.push(observer.saw(&task, Item::new()).await?);
        tasks.push(task);
    }
    // One is completed and one fails, by way of running; one goes on running; one is cancelled, and one deleted when it has ended.
    for number in [0, 1, 2, 3] {
        let run = quiet.run(&tasks[number]).await?;
        images[number] = observer.saw(&tasks[number], images[number].clone()).await?;
        match number {
            0 | 3 => run.complete("results/nowhere", 0, None, 1, Vec::new()).await?,
            1 => run.fail("as the test wants it", 0, Vec::new()).await?,
            _ => continue,
        }
        images[number] = observer.saw(&tasks[number], images[number].clone()).await?;
    }
    for number in [4, 3] {
        let answer = user.call(Method::DELETE, &format!("/tasks/{}", tasks[number].id)).await?;
        ensure!(answer.status == 200, "{answer:?}");
        observer.saw(&tasks[number], images[number].clone()).await?;
    }

    // Told in batches that overlap, the last one first.
    let tallies = Tallies::new(SecondEngine::of(&stack).await?.fresh("tallies").await?, clock.clone());
    for batch in observer.changes.chunks(5).rev().chain(observer.changes.chunks(3)) {
        tallies.count(batch).await?;
    }
    let (counted, last) = (tasks_of(&tallies).await?, observer.changes.len());
    for (status, count) in [
        ("pending", counted.waiting + counted.resting),
        ("running", counted.running),
        ("completed", counted.completed),
        ("failed", counted.failed),
        ("cancelled", counted.cancelled),
    ] {
        ensure!(listed(&user, status).await? == count, "{status}: {counted:?}");
    }
    ensure!(counted.waiting == 2 && counted.running == 1, "{counted:?}");
    // The sixth was made 100 seconds after the first.
    let since = Millis(BEGUN.0 + 60_000);
    ensure!(counted.oldest_waiting == Some(since), "{counted:?}");
    for last_time in [Last::Hour, Last::Day] {
        let rates = tallies.rates(last_time).await?;
        let of = rates.series.into_iter().find(|series| series.kind == Kind::Extract).context("no tasks")?;
        let sum = |points: &[u64]| points.iter().sum::<u64>();
        let sums = [&of.submitted, &of.claimed, &of.completed, &of.failed, &of.cancelled].map(|points| sum(points));
        ensure!(sums == [7, 4, 2, 1, 1], "{sums:?} of {last} changes");
        ensure!(of.submitted.len() == last_time.points(), "{} points", of.submitted.len());
    }
    Ok(())
}
