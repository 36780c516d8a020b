//! Schedules, as an operator has them: listed by when they run next, run out of turn, paused and resumed.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::monitor::Monitor;
use drover_tests::video::order;
use futures::future::try_join_all;
use jobs::Status;
use operations::{Acted, Found, JobFilter, Kind, Operations, Outcome, Paging, ScheduleKind, ScheduleName, ScheduleRow};
use table::Clock;

use super::console::{entries_of, somebody, within};
use super::unannounced;

/// A schedule in a list, if it is there.
async fn listed(operations: &Operations, name: &ScheduleName, paused: bool) -> anyhow::Result<Option<ScheduleRow>> {
    let mut next: Option<String> = None;
    loop {
        let page = within(3, operations.schedules(name.kind, paused, Paging::new(100, next.as_deref()))).await??;
        if let Some(row) = page.items.into_iter().find(|row| row.name == *name) {
            return Ok(Some(row));
        }
        match page.next {
            Some(more) => next = Some(more),
            None => return Ok(None),
        }
    }
}

#[tokio::test]
async fn a_schedule_of_videos_is_listed_paused_resumed_and_run_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, by, client) = (stack.operations().await?, somebody(), stack.unheard_client().await?);
    let id = client.schedule("Daily", 5).await?["id"].as_str().context("no id")?.parse()?;
    let name = ScheduleName::new(ScheduleKind::Video, &client.tenant, id).context("no name")?;
    ensure!(operations.find(id).await? == Some(Found::Schedule(name.clone())), "it is not found");
    let row = listed(&operations, &name, false).await?.context("it is not listed")?;
    ensure!(row.next_run_at.is_some() && !row.paused && row.last_outcome.is_none(), "{row:?}");

    ensure!(within(9, operations.pause_schedule(&by, &name)).await?? == Acted::Done(None), "it was not paused");
    ensure!(matches!(operations.pause_schedule(&by, &name).await?, Acted::Refused(_)), "twice");
    ensure!(listed(&operations, &name, false).await?.is_none(), "it is listed as if it ran");
    let row = listed(&operations, &name, true).await?.context("it is not among the paused")?;
    ensure!(row.paused && row.next_run_at.is_none(), "{row:?}");
    ensure!(operations.resume_schedule(&by, &name).await? == Acted::Done(None), "it was not resumed");
    ensure!(listed(&operations, &name, true).await?.is_none(), "it is still among the paused");

    // Of a tenant who has had no job nobody knows how many may run at once.
    ensure!(matches!(operations.run_schedule(&by, &name).await?, Acted::Refused(_)), "the first run of all");
    let studio = stack.studio(Clock::system()).await?;
    studio.jobs.create(&client.tenant, order("nobody")).await?;
    let before = operations.schedule(&name).await?.context("it is gone")?;
    let runs = try_join_all((0..6).map(|_| operations.run_schedule(&by, &name))).await?;
    let started = runs.iter().filter(|run| matches!(run, Acted::Done(_))).count();
    ensure!(started == 1, "{runs:?}");
    let row = within(1, operations.schedule(&name)).await??.context("it is gone")?;
    let run = row.active_run.clone().context("no run")?;
    ensure!(row.runs.is_some_and(|runs| runs.started == 1) && row.next_run_at == before.next_run_at, "{row:?}");
    let job = operations.job(&run).await?.context("the run is no job")?;
    ensure!(job.row.status == Status::Pending, "{job:?}");

    // It reports how it ended.
    operations.cancel(&by, &run).await?;
    let row = operations.schedule(&name).await?.context("it is gone")?;
    ensure!(row.last_outcome == Some(Status::Cancelled) && row.active_run.is_none(), "{row:?}");
    let entries = entries_of(&operations, &by).await?;
    let done = entries.iter().filter(|entry| entry.on == name.to_string() && entry.outcome == Outcome::Done).count();
    ensure!(done == 3, "a pause, a resumption and a run: {entries:?}");
    Ok(())
}

#[tokio::test]
async fn a_monitor_rests_is_paused_resumed_and_checks_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (operations, by) = (stack.operations().await?, somebody());
    let (shop, monitor) = Monitor::of("$3").await?;
    let id = monitor.key.sk.strip_prefix("TASK#").context("no task")?.parse()?;
    let name = ScheduleName::new(ScheduleKind::Monitor, &monitor.user.id, id).context("no name")?;
    let row = listed(&operations, &name, false).await?.context("it is not listed")?;
    ensure!(row.every == "hourly" && row.last_outcome == Some(Status::Completed), "{row:?}");
    let of_user = JobFilter::Of(monitor.user.id.clone(), None);
    let resting = operations.jobs(Kind::Extract, &of_user, Paging::new(9, None)).await?;
    ensure!(resting.items.iter().any(|row| row.rests), "no job rests");

    ensure!(within(5, operations.pause_schedule(&by, &name)).await?? == Acted::Done(None), "it was not paused");
    ensure!(matches!(operations.run_schedule(&by, &name).await?, Acted::Refused(_)), "a paused one ran");
    ensure!(listed(&operations, &name, true).await?.is_some_and(|row| row.paused), "it is not among the paused");
    ensure!(operations.resume_schedule(&by, &name).await? == Acted::Done(None), "it was not resumed");
    let resumed = listed(&operations, &name, false).await?.context("it is not listed")?;
    ensure!(resumed.next_run_at == row.next_run_at, "{resumed:?} in place of {row:?}");

    // What is no monitor is no schedule, whether it rests or not.
    let task = unannounced(&stack, &monitor.user, "https://example.com/").await?;
    let task = task.sk.strip_prefix("TASK#").context("no task")?.parse()?;
    let no_monitor = ScheduleName::new(ScheduleKind::Monitor, &monitor.user.id, task).context("no name")?;
    ensure!(operations.pause_schedule(&by, &no_monitor).await.is_err(), "a task was paused as a monitor");
    ensure!(operations.run_schedule(&by, &no_monitor).await.is_err(), "a task was run as a monitor");

    let visits = shop.visits();
    let runs = try_join_all((0..4).map(|_| operations.run_schedule(&by, &name))).await?;
    ensure!(runs.iter().filter(|run| **run == Acted::Done(None)).count() == 1, "{runs:?}");
    // Nobody hears of what this process tells the queue.
    stack.send_hint(&monitor.key).await?;
    drover_tests::eventually("it has checked", async || Ok((shop.visits() > visits).then_some(()))).await?;
    Ok(())
}
