//! What the scheduler does with what is due, on an engine with a table for each test: time passes as the test wants it, and nobody else's
//! schedules are due.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::second_engine::SecondEngine;
use drover_tests::video::{Studio, order};
use jobs::{Cancelled, Started, Status};
use table::{Clock, Millis};
use videos::{NewSchedule, Schedule, ScheduleChange, Schedules, VideoJobs};

const TENANT: &str = "tenant";
const FOREVER: Millis = Millis(u64::MAX);

/// A studio with schedules, and a clock of its own.
struct Office {
    studio: Studio,
    schedules: Schedules,
    clock: Clock,
}

impl Office {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let table = SecondEngine::of(&stack).await?.fresh("video").await?;
        let clock = Clock::fake(Clock::system().now());
        let mut jobs = stack.studio(clock.clone()).await?.jobs.jobs;
        jobs.table = table;
        let studio = Studio { jobs: VideoJobs::new(jobs, 2, 3) };
        Ok(Self { schedules: studio.schedules(), studio, clock })
    }

    async fn schedule(&self, interval_minutes: u32) -> anyhow::Result<Schedule> {
        let new = NewSchedule { name: "A".to_owned(), order: order("khaby.lame"), interval_minutes, enabled: true };
        Ok(self.schedules.create(TENANT, new).await?)
    }

    async fn reload(&self, schedule: &Schedule) -> anyhow::Result<Schedule> {
        self.schedules.get(TENANT, schedule.id).await?.context("the schedule is gone")
    }

    /// Two schedulers at once, after so many minutes.
    async fn run(&self, minutes: u64) -> anyhow::Result<(u64, u64)> {
        self.clock.advance(Duration::from_mins(minutes));
        let (one, other) = tokio::join!(self.schedules.start_due(FOREVER), self.schedules.start_due(FOREVER));
        let (one, other): (Started, Started) = (one?, other?);
        ensure!(one.failed + other.failed == 0, "{one:?} {other:?}");
        Ok((one.started + other.started, one.skipped + other.skipped))
    }

    /// The jobs there are, the newest first.
    async fn jobs(&self) -> anyhow::Result<Vec<videos::Shown>> {
        Ok(self.studio.jobs.list(TENANT, None, 100, 0).await?)
    }
}

#[tokio::test]
async fn a_due_run_is_started_once_however_many_schedulers_there_are() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let schedule = office.schedule(10).await?;
    ensure!(office.run(9).await? == (0, 0), "it was started before its time");
    ensure!(office.run(1).await? == (1, 0));
    let jobs = office.jobs().await?;
    let [run] = jobs.as_slice() else { anyhow::bail!("{} jobs", jobs.len()) };
    ensure!((run.job.schedule_id, &run.job.order) == (Some(schedule.id), &schedule.order), "{run:?}");
    let after = office.reload(&schedule).await?;
    ensure!((after.total_runs, after.active_run.clone()) == (1, Some(run.job.id.to_string())), "{after:?}");
    ensure!(after.next_run_at.map(|at| at.0) == schedule.next_run_at.map(|at| at.0 + 600_000), "{after:?}");
    ensure!(office.run(0).await? == (0, 0), "nothing is due any more");
    Ok(())
}

#[tokio::test]
async fn while_a_run_is_going_the_next_is_skipped_and_counted() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let schedule = office.schedule(10).await?;
    ensure!(office.run(10).await? == (1, 0));
    ensure!(office.run(10).await? == (0, 1));
    let run = office.jobs().await?.remove(0).job;
    office.studio.list(&run, Vec::new()).await?;
    let after = office.reload(&schedule).await?;
    ensure!((after.ended_completed, after.ended_failed, after.skipped_runs) == (1, 0, 1), "{after:?}");
    ensure!(after.active_run.is_none(), "{after:?}");

    // How each run ends is counted once, whoever ends it.
    ensure!(office.run(10).await? == (1, 0));
    let run = office.jobs().await?.remove(0).job;
    ensure!(office.studio.jobs.cancel(TENANT, run.id).await?.job.job.status == Status::Cancelled);
    ensure!(office.run(10).await? == (1, 0));
    let run = office.jobs().await?.remove(0).job;
    let given_up = office.studio.jobs.jobs.give_up(&run.key, "Its message kept failing").await?;
    ensure!(matches!(given_up, Cancelled::Now { .. }), "{given_up:?}");
    let after = office.reload(&schedule).await?;
    let ended = (after.ended_completed, after.ended_failed, after.ended_cancelled, after.total_runs);
    ensure!(ended == (1, 1, 1, 3), "{after:?}");
    Ok(())
}

#[tokio::test]
async fn a_run_that_goes_on_after_a_retry_is_not_counted_again() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let schedule = office.schedule(10).await?;
    office.run(10).await?;
    let run = office.jobs().await?.remove(0).job;
    let found = ["1", "2"].map(|id| drover_tests::video::found(id, "khaby.lame"));
    office.studio.list(&run, found.to_vec()).await?;
    let run = office.studio.reload(&run).await?;
    office.studio.work_through(&run, &["1"]).await?;
    office.studio.jobs.retry(TENANT, "1").await?;
    ensure!(office.run(10).await? == (1, 0), "it is no run of the schedule any more");
    office.studio.work_through(&run, &[]).await?;
    let after = office.reload(&schedule).await?;
    ensure!((after.ended_completed, after.total_runs, after.active_run.is_some()) == (1, 2, true), "{after:?}");
    Ok(())
}

#[tokio::test]
async fn an_hour_late_there_is_one_run_and_not_sixty() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let schedule = office.schedule(5).await?;
    ensure!(office.run(63).await? == (1, 0));
    let after = office.reload(&schedule).await?;
    // The first of its times that is yet to come.
    ensure!(after.next_run_at.map(|at| at.0) == schedule.next_run_at.map(|at| at.0 + 60 * 60_000), "{after:?}");
    ensure!(office.run(1).await? == (0, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_disabled_or_deleted_is_never_due() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let (disabled, deleted, during) = (office.schedule(5).await?, office.schedule(5).await?, office.schedule(5).await?);
    let off = ScheduleChange { enabled: Some(false), ..ScheduleChange::default() };
    office.schedules.change(TENANT, disabled.id, |_| off.clone()).await?;
    office.schedules.delete(TENANT, deleted.id).await?;
    ensure!(office.run(5).await? == (1, 0));
    // Deleted during its run, which goes on, and ends as any other.
    office.schedules.delete(TENANT, during.id).await?;
    ensure!(office.schedules.get(TENANT, during.id).await?.is_none());
    let run = office.jobs().await?.remove(0).job;
    office.studio.list(&run, Vec::new()).await?;
    ensure!(office.studio.shown(&run).await?.job.job.status == Status::Completed);
    ensure!(office.run(10).await? == (0, 0));
    ensure!(office.schedules.list(TENANT, None).await?.len() == 1, "the disabled one is left");
    let counts = office.studio.jobs.overview(TENANT).await?.counts;
    ensure!((counts.schedules, counts.schedules_enabled) == (1, 0), "{counts:?}");
    Ok(())
}

#[tokio::test]
async fn what_there_was_no_time_for_is_started_in_the_next_minute_the_longest_due_first() -> anyhow::Result<()> {
    const MANY: usize = 60;
    let office = Office::open().await?;
    let mut due = Vec::new();
    for _ in 0..MANY {
        due.push(office.schedule(10).await?);
        office.clock.advance(Duration::from_secs(1));
    }
    office.clock.advance(Duration::from_mins(10));
    let time_limit = office.clock.now().after(Duration::from_secs(40));
    let time_passes = async {
        drover_tests::eventually("the first is started", async || {
            Ok((office.reload(&due[0]).await?.total_runs > 0).then_some(()))
        })
        .await?;
        office.clock.advance(Duration::from_secs(40));
        anyhow::Ok(())
    };
    let (first, passed) = tokio::join!(office.schedules.start_due(time_limit), time_passes);
    passed?;
    let first = usize::try_from(first?.started)?;
    ensure!((1..MANY).contains(&first), "it did not stop: {first}");
    for (number, schedule) in due.iter().enumerate() {
        let runs = office.reload(schedule).await?.total_runs;
        ensure!(runs == u64::from(number < first), "{first} were started, and {runs} runs of the {number}th");
    }
    let (second, _) = office.run(0).await?;
    ensure!(first + usize::try_from(second)? == MANY, "{first} and {second}");
    for schedule in &due {
        ensure!(office.reload(schedule).await?.total_runs == 1);
    }
    Ok(())
}
