//! How the scheduler comes to checks of monitors that are due, on an engine with a table for each test: time passes as the test wants it, and nobody
//! else's monitors are due.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use drover_tests::Stack;
use drover_tests::quiet::QuietTasks;
use drover_tests::second_engine::SecondEngine;
use extract::{Accounts, NewTask, OwnConfig, Plan, Task, TaskConfig, TaskType, Tasks, account_key};
use jobs::{Claimed, Hint, Jobs, Policy, Rest, Rested, Run, Started, Status, ledger};
use serde_json::json;
use table::cost::metered;
use table::{Clock, Condition, Millis, Update};

const USER: &str = "user";
const FOREVER: Millis = Millis(u64::MAX);
const HOUR: u64 = 60;

/// Monitors of one user, and a clock of their own. Their messages go nowhere.
struct Office {
    jobs: Jobs,
    tasks: Tasks,
    accounts: Accounts,
    clock: Clock,
}

impl Office {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let table = SecondEngine::of(&stack).await?.fresh("extract").await?;
        let clock = Clock::fake(Clock::system().now());
        let jobs = QuietTasks::new(&stack, clock.clone()).await?.jobs().clone();
        let jobs = Jobs { table: table.clone(), policy: Policy::with_lease(Duration::from_mins(1)), ..jobs };
        let accounts = Accounts::new(table, clock.clone());
        accounts.open(USER, Plan::Professional, Some(1_000)).await?;
        Ok(Self { tasks: Tasks::new(jobs.clone()), jobs, accounts, clock })
    }

    /// A monitor of this schedule that has made its first check.
    async fn monitor(&self, schedule: &str) -> anyhow::Result<Task> {
        let config = json!({"urls": ["https://example.com/tea"], "selectors": {"price": ".p"}, "schedule": schedule});
        let config = TaskConfig::read(TaskType::Monitoring, &config).map_err(|faults| anyhow!("{faults:?}"))?;
        let new = NewTask { name: "Tea".to_owned(), description: None, priority: 5, config };
        let task = self.tasks.create(USER, new).await?;
        let Claimed::Run(run, task) = self.jobs.claim::<Task>(&task.key, "a worker").await? else {
            anyhow::bail!("the first check is not to be had")
        };
        self.check(*run, &task, self.clock.now()).await?;
        self.stored(&task).await
    }

    /// Makes the check that was due at `due`, as a worker does, and lets the monitor rest.
    async fn check(&self, run: Run, task: &Task, due: Millis) -> anyhow::Result<()> {
        let OwnConfig::Monitoring(own) = &task.config.own else { anyhow::bail!("no monitor: {task:?}") };
        let until = own.schedule.next_run(due, self.clock.now()).ok_or_else(|| anyhow!("never again"))?;
        let rest = Rest { until, units_used: 1, checkpoint: "{}", result: None, note: None };
        ensure!(run.rest_until(rest, Vec::new()).await? == Rested::Rests);
        Ok(())
    }

    /// A worker has a message of this task.
    async fn take(&self, task: &Task) -> anyhow::Result<Option<(Run, Task)>> {
        match self.jobs.take::<Task>(&Hint::waits(task.key.clone()), "a worker").await? {
            Claimed::Run(run, task) => Ok(Some((*run, *task))),
            Claimed::Nothing(_) => Ok(None),
        }
    }

    async fn stored(&self, task: &Task) -> anyhow::Result<Task> {
        self.tasks.get(USER, task.id).await?.ok_or_else(|| anyhow!("the task is gone"))
    }

    /// How many checks two schedulers start that run at once, after so many minutes.
    async fn run(&self, minutes: u64) -> anyhow::Result<u64> {
        self.clock.advance(Duration::from_mins(minutes));
        let (one, other) = tokio::join!(self.jobs.start_rested(FOREVER), self.jobs.start_rested(FOREVER));
        let (one, other) = (one?, other?);
        ensure!(one.failed + other.failed + one.skipped + other.skipped == 0, "{one:?} {other:?}");
        Ok(one.started + other.started)
    }

    /// How many messages recovery sends again, after so many minutes.
    async fn recover(&self, minutes: u64) -> anyhow::Result<usize> {
        self.clock.advance(Duration::from_mins(minutes));
        Ok(self.jobs.redeliver_due(FOREVER).await?)
    }

    /// The account and its ledger agree; gives what was charged.
    async fn charged(&self) -> anyhow::Result<i64> {
        let account = self.accounts.stored(USER).await?.ok_or_else(|| anyhow!("no account"))?.account;
        ledger::check(&self.accounts.ledger(USER).await?, &account)?;
        Ok(account.units_used)
    }
}

#[tokio::test]
async fn a_check_that_is_due_is_started_once_however_many_schedulers_there_are() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let monitor = office.monitor("hourly").await?;
    ensure!(monitor.job.status == Status::Pending && monitor.job.turn.is_none(), "it does not rest: {monitor:?}");
    ensure!(office.run(HOUR - 1).await? == 0, "before its time");
    ensure!(office.take(&monitor).await?.is_none(), "whoever has a message of it before its time has nothing to do");
    ensure!(office.run(1).await? == 1);
    ensure!(office.run(0).await? == 0, "it is started already");
    let waits = office.stored(&monitor).await?;
    ensure!((waits.job.status, waits.job.turn.as_ref()) == (Status::Pending, waits.job.place.as_ref()), "{waits:?}");

    let (run, task) = office.take(&monitor).await?.ok_or_else(|| anyhow!("it does not wait"))?;
    ensure!(office.take(&monitor).await?.is_none(), "a copy of its message finds another worker at it");
    ensure!(office.run(0).await? == 0);
    office.check(run, &task, office.clock.now()).await?;
    ensure!(office.charged().await? == 2);
    ensure!(office.run(HOUR - 1).await? == 0);
    ensure!(office.run(1).await? == 1, "each hour");
    Ok(())
}

#[tokio::test]
async fn an_hour_late_there_is_one_check_and_not_all_that_were_missed() -> anyhow::Result<()> {
    for (schedule, first, late) in [("hourly", HOUR, 5 * HOUR + 7), ("*/5 * * * *", 5, 63)] {
        let office = Office::open().await?;
        let monitor = office.monitor(schedule).await?;
        let due = monitor.job.lease.claimable_at.ok_or_else(|| anyhow!("never"))?;
        ensure!(office.run(first + late).await? == 1, "{schedule}");
        let (run, task) = office.take(&monitor).await?.ok_or_else(|| anyhow!("it does not wait"))?;
        office.check(run, &task, due).await?;
        ensure!(office.run(0).await? == 0, "{schedule}: another one at once");
        let next = office.stored(&monitor).await?.job.lease.claimable_at.ok_or_else(|| anyhow!("never"))?;
        let rhythm = if schedule == "hourly" { HOUR } else { 5 } * 60_000;
        let now = office.clock.now();
        ensure!((next.0 - due.0) % rhythm == 0, "{schedule}: the rhythm stays: {due}, {next}");
        ensure!(next > now && next.0 - now.0 <= rhythm, "{schedule}: the first to come: {now}, {next}");
        ensure!(office.charged().await? == 2, "{schedule}");
    }
    Ok(())
}

#[tokio::test]
async fn many_due_at_once_are_started_once_each_and_spread_over_the_minute() -> anyhow::Result<()> {
    const MANY: usize = 40;
    let office = Office::open().await?;
    let mut monitors = Vec::new();
    for _ in 0..MANY {
        monitors.push(office.monitor("daily").await?);
    }
    ensure!(office.run(24 * HOUR).await? == u64::try_from(MANY)?);
    // When its message counts as lost tells when it comes.
    let (now, patience) = (office.clock.now(), office.jobs.policy.redelivery_pause(0));
    let mut seconds = BTreeSet::new();
    for monitor in &monitors {
        let job = office.stored(monitor).await?.job;
        ensure!(job.turn.is_some() && job.redeliveries == 0, "{job:?}");
        let lost_at = job.redeliver_at.ok_or_else(|| anyhow!("nobody will look for it: {job:?}"))?;
        seconds.insert((now.after(patience)).until(lost_at).as_secs());
    }
    ensure!(seconds.len() >= MANY / 4 && seconds.last().is_some_and(|last| *last < 60), "{seconds:?}");
    Ok(())
}

#[tokio::test]
async fn recovery_has_to_do_with_those_alone_whose_message_was_lost() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let monitor = office.monitor("hourly").await?;
    ensure!(office.recover(2 * HOUR).await? == 0, "it is due, which is no loss");
    ensure!(office.run(0).await? == 1);
    ensure!(office.recover(0).await? == 0, "its message is on its way");
    ensure!(office.recover(1).await? == 1, "nobody has come");
    let (run, task) = office.take(&monitor).await?.ok_or_else(|| anyhow!("it does not wait"))?;
    // Its worker dies.
    ensure!(office.recover(2).await? == 1);
    ensure!(office.run(0).await? == 0, "the scheduler leaves it to recovery");
    drop((run, task));
    Ok(())
}

#[tokio::test]
async fn one_that_a_worker_of_the_release_before_has_left_is_found() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let monitor = office.monitor("hourly").await?;
    office.clock.advance(Duration::from_hours(1));
    // As that release claims it, past the scheduler, by a message that came twice: it knows of no partition for those that rest.
    let now = office.clock.now();
    let claim = Update::new()
        .set("status", Status::Running.as_str())
        .set("holds_slot", true)
        .set("claimable_at", now.after(Duration::from_mins(1)))
        .set("redeliver_at", now.after(Duration::from_mins(1)))
        .when(Condition::Exists("pk"));
    office.jobs.table.update(&monitor.key, claim).await?;
    ensure!(office.run(2).await? == 0, "it does not rest");
    ensure!(office.recover(0).await? == 1, "recovery has it");
    Ok(())
}

#[tokio::test]
async fn one_that_has_ended_is_never_started() -> anyhow::Result<()> {
    let office = Office::open().await?;
    let monitor = office.monitor("hourly").await?;
    office.jobs.cancel(&monitor.key).await?;
    ensure!(office.run(2 * HOUR).await? == 0 && office.recover(HOUR).await? == 0);
    let account = office.jobs.table.get::<jobs::Account>(&account_key(USER)).await?;
    ensure!(account.is_some_and(|account| account.units_reserved == 0 && account.jobs_open == 0));
    Ok(())
}

#[tokio::test]
async fn a_start_is_one_request() -> anyhow::Result<()> {
    let office = Office::open().await?;
    for _ in 0..5 {
        office.monitor("daily").await?;
    }
    let (idle, cost) = metered(office.jobs.start_rested(FOREVER)).await;
    ensure!((idle?, cost.dynamodb_requests) == (Started::default(), 1), "nothing is due: {cost:?}");
    office.clock.advance(Duration::from_hours(24));
    let (started, cost) = metered(office.jobs.start_rested(FOREVER)).await;
    ensure!((started?.started, cost.dynamodb_requests) == (5, 6), "one looks, and each is started by one: {cost:?}");
    Ok(())
}
