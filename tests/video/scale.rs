//! Ten thousand schedules due in the same minute. The functions' own processes run on DynamoDB Local: the default emulator is too slow for it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::function::FunctionProcess;
use drover_tests::second_engine::SecondEngine;
use drover_tests::video::{Studio, order};
use futures::{StreamExt, TryStreamExt, stream};
use jobs::{Due, DueItem, Hint, Job, NewJob, Recurring, Start, Started, next_due, place};
use serde_json::json;
use table::{Clock, Condition, Key, Millis, Query, Table, TableError, Update, new_id};
use videos::{NewSchedule, SCHEDULE_KIND, Schedule, VideoJob, VideoJobs, account_key, job_key, schedule_key};

const TENANTS: usize = 500;
const EACH: usize = 20;
/// How many are looked at to know how far the schedulers are, and read at a time in the end.
const SAMPLE: usize = 100;
/// How many tenants' jobs are read at once.
const READERS: usize = 8;
/// How long half of the runs may take to be started, on a machine that has other work to do.
const PATIENCE: Duration = Duration::from_mins(5);
const DAY: Duration = Duration::from_hours(24);

/// A table with schedules that are all due.
struct Lab {
    stack: Stack,
    engine: SecondEngine,
    table: Table,
    schedules: Vec<Schedule>,
}

impl Lab {
    /// So many tenants' schedules, due since ten minutes.
    async fn open(tenants: usize) -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let engine = SecondEngine::of(&stack).await?;
        let table = engine.fresh("video").await?;
        let mut lab = Self { stack, engine, table, schedules: Vec::new() };
        let past = Clock::fake(Millis(Clock::system().now().0 - 10 * 60_000));
        let desk = lab.studio(past.clone()).await?.schedules();
        let new =
            NewSchedule { name: "A".to_owned(), order: order("khaby.lame"), interval_minutes: 1_440, enabled: true };
        let like = desk.create("tenant", new).await?;
        lab.table.delete(&like.key).await?;
        lab.schedules = (0..tenants * EACH)
            .map(|number| {
                let (id, tenant) = (new_id(past.now()), format!("tenant-{:03}", number / EACH));
                Schedule { key: schedule_key(&tenant, id), id, tenant, next_run_at: Some(past.now()), ..like.clone() }
            })
            .collect();
        lab.table.put_many(&lab.schedules).await?;
        Ok(lab)
    }

    /// The jobs of its table, whose messages go nowhere.
    async fn studio(&self, clock: Clock) -> anyhow::Result<Studio> {
        let mut jobs = self.stack.studio(clock).await?.jobs.jobs;
        jobs.table = self.table.clone();
        Ok(Studio { jobs: VideoJobs::new(jobs, 5, 5) })
    }

    /// A scheduler, with its messages in this queue.
    async fn scheduler(&self, queue: &str) -> anyhow::Result<FunctionProcess> {
        let mut environment = self.engine.environment_of("scheduler").await?;
        environment.insert("VIDEO_TABLE".to_owned(), self.table.name().to_owned());
        environment.insert("VIDEO_QUEUE_URL".to_owned(), queue.to_owned());
        // It has monitors to look for too, and there are none.
        let monitors = self.engine.fresh("extract").await?;
        environment.insert("EXTRACT_TABLE".to_owned(), monitors.name().to_owned());
        FunctionProcess::start_within("scheduler", &environment, self.stack.time_limit_of("scheduler").await?).await
    }

    /// Waits until half of a sample is started, for some minutes: as long as the schedulers go on.
    async fn half_way(&self) -> anyhow::Result<()> {
        let sample = self.schedules.iter().step_by(self.schedules.len() / SAMPLE).take(SAMPLE);
        let sample: Vec<Key> = sample.map(|schedule| schedule.key.clone()).collect();
        let begun = Instant::now();
        loop {
            let found: Vec<Schedule> = self.table.get_many(&sample).await?;
            if found.iter().filter(|schedule| schedule.total_runs > 0).count() >= SAMPLE / 2 {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "not half of the runs are started after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Each schedule has one run, which is its own, and is due again later.
    async fn check(&self) -> anyhow::Result<()> {
        let tenants: std::collections::BTreeSet<_> = self.schedules.iter().map(|schedule| &schedule.tenant).collect();
        let jobs: Vec<Vec<VideoJob>> =
            stream::iter(tenants).map(|tenant| self.jobs_of(tenant)).buffer_unordered(READERS).try_collect().await?;
        let mut runs: HashMap<String, Vec<String>> = HashMap::new();
        for job in jobs.into_iter().flatten() {
            let schedule = job.schedule_id.context("a run of nothing")?.to_string();
            runs.entry(schedule).or_default().push(job.id.to_string());
        }
        ensure!(runs.len() == self.schedules.len(), "{} of {} have runs", runs.len(), self.schedules.len());
        let now = Clock::system().now();
        for some in self.schedules.chunks(SAMPLE) {
            let keys: Vec<_> = some.iter().map(|schedule| schedule.key.clone()).collect();
            for schedule in self.table.get_many::<Schedule>(&keys).await? {
                let of_it = &runs[&schedule.id.to_string()];
                ensure!(of_it.len() == 1, "{} has the runs {of_it:?}", schedule.id);
                ensure!(schedule.active_run.as_deref() == Some(of_it[0].as_str()), "{schedule:?}");
                ensure!(schedule.total_runs == 1 && schedule.skipped_runs == 0, "{schedule:?}");
                ensure!(schedule.next_run_at.is_some_and(|at| at.after(Duration::from_mins(5)) > now), "{schedule:?}");
            }
        }
        Ok(())
    }

    async fn jobs_of(&self, tenant: &str) -> anyhow::Result<Vec<VideoJob>> {
        let jobs = Condition::Between("sk", "JOB#".into(), "JOB#~".into());
        let jobs = Condition::All(vec![Condition::equal("pk", account_key(tenant).pk), jobs]);
        let page = self.table.query::<VideoJob>(Query::new(jobs).consistent()).await?;
        ensure!(page.next.is_none(), "{tenant} has more jobs than one answer holds");
        Ok(page.items)
    }
}

/// What the schedulers have told of themselves.
#[derive(Default)]
struct Told {
    started: u64,
    lost: u64,
    failed: u64,
    requests: f64,
    read: f64,
    written: f64,
    took: Vec<String>,
}

impl Told {
    /// Lets a scheduler run for a minute, and says whether something was still due.
    async fn minute(&mut self, scheduler: &FunctionProcess) -> anyhow::Result<bool> {
        let began = Instant::now();
        let answer = scheduler.event(&json!({})).await?;
        self.took.push(format!("{:.1} s", began.elapsed().as_secs_f64()));
        let runs: Started = serde_json::from_value(answer["runs"].clone()).with_context(|| answer.to_string())?;
        ensure!(runs.skipped == 0, "{answer}");
        self.started += runs.started;
        self.lost += runs.lost;
        self.failed += runs.failed;
        let cost = |of: &str| answer["cost"][of].as_f64().with_context(|| format!("no {of}: {answer}"));
        self.requests += cost("dynamodb_requests")?;
        self.read += cost("read_units")?;
        self.written += cost("write_units")?;
        Ok(runs != Started::default())
    }

    fn print(&self, what: &str) -> anyhow::Result<()> {
        let each = f64::from(u32::try_from(self.started)?);
        println!(
            "{what}: {} runs started in invocations of {:?}, {} lost to another, {} failed and tried again; of DynamoDB a run \
             {:.2} requests, {:.2} read and {:.2} write units",
            self.started,
            self.took,
            self.lost,
            self.failed,
            self.requests / each,
            self.read / each,
            self.written / each
        );
        Ok(())
    }
}

/// Lets a scheduler run, minute after minute, until it fails.
async fn minutes_of(scheduler: &FunctionProcess) -> anyhow::Error {
    loop {
        if let Err(error) = scheduler.event(&json!({})).await {
            return error;
        }
    }
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn ten_thousand_due_at_once_are_started_once_each_though_a_scheduler_is_killed() -> anyhow::Result<()> {
    let lab = Lab::open(TENANTS).await?;
    let queue = format!("{}-scale-{}", lab.stack.name, new_id(Clock::system().now()));
    let queue = lab.stack.sqs().create_queue().queue_name(queue).send().await?.queue_url.context("no queue")?;
    let (survivor, victim) = (lab.scheduler(&queue).await?, lab.scheduler(&queue).await?);
    let mut told = Told::default();
    let began = Instant::now();
    let killed = async {
        tokio::select! {
            // Killed in the midst of it: what it has told nobody of is in the table alone.
            half = lab.half_way() => half,
            error = minutes_of(&victim) => Err(error),
        }?;
        drop(victim);
        anyhow::Ok(())
    };
    let (first, killed) = tokio::join!(told.minute(&survivor), killed);
    killed?;
    first?;
    while told.minute(&survivor).await? {}
    let took = began.elapsed().as_secs_f64();

    lab.check().await?;
    println!("{} schedules, a run each after {took:.1} s", lab.schedules.len());
    told.print("the scheduler that lived")?;
    lab.stack.sqs().delete_queue().queue_url(queue).send().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn what_a_thousand_runs_cost_one_scheduler() -> anyhow::Result<()> {
    let lab = Lab::open(TENANTS / 10).await?;
    let queue = format!("{}-scale-{}", lab.stack.name, new_id(Clock::system().now()));
    let queue = lab.stack.sqs().create_queue().queue_name(queue).send().await?.queue_url.context("no queue")?;
    let (scheduler, mut told) = (lab.scheduler(&queue).await?, Told::default());
    while told.minute(&scheduler).await? {}
    lab.check().await?;
    told.print("a scheduler alone")?;
    ensure!((told.started, told.lost) == (1_000, 0));
    lab.stack.sqs().delete_queue().queue_url(queue).send().await?;
    Ok(())
}

/// The negative control: a scheduler that starts what it has read to be due, whatever has become of it.
struct Unguarded(VideoJobs);

impl Recurring for Unguarded {
    type Item = Schedule;

    async fn read(&self, due: Vec<DueItem>) -> Result<Vec<Schedule>, TableError> {
        let keys: Vec<_> = due.into_iter().map(|due| due.key).collect();
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(SAMPLE) {
            found.extend(self.0.jobs.table.get_many::<Schedule>(some).await?);
        }
        Ok(found)
    }

    fn key(schedule: &Schedule) -> &Key {
        &schedule.key
    }

    fn group(schedule: &Schedule) -> String {
        schedule.tenant.clone()
    }

    async fn start(&self, schedule: &Schedule, _: Duration) -> Result<Start, TableError> {
        let (jobs, tenant) = (&self.0.jobs, &schedule.tenant);
        let now = jobs.clock.now();
        let (id, account) = (new_id(now), account_key(tenant));
        let job = Job::submitted(jobs.kind, now, 0, place(5, now.0), &jobs.policy);
        let run = VideoJob {
            key: job_key(tenant, id),
            job: job.clone(),
            account: account.clone(),
            id,
            tenant: tenant.clone(),
            order: schedule.order.clone(),
            schedule_id: Some(schedule.id),
            deleted: false,
        };
        let new = NewJob { key: &run.key, item: &run, job: &job, account: &account, sort: "profile", only_if: &[] };
        let stored = jobs.store(new, Vec::new()).await;
        stored.map_err(|error| TableError::Broken(error.to_string()))?;
        let next = next_due(schedule.next_run_at.unwrap_or(now), DAY, now);
        let step = Update::new().set("redeliver_at", next).set("active_run", id.to_string()).set("total_runs", 1_u64);
        jobs.table.update(&schedule.key, step).await?;
        Ok(Start::Started(Hint::waits(run.key.clone())))
    }
}

#[tokio::test]
async fn two_schedulers_are_told_from_two_that_ask_for_no_condition() -> anyhow::Result<()> {
    for is_guarded in [true, false] {
        let lab = Lab::open(5).await?;
        let studio = lab.studio(Clock::system()).await?;
        for tenant in lab.schedules.iter().step_by(EACH).map(|schedule| &schedule.tenant) {
            // Opens its account, and is gone.
            let opened = studio.jobs.create(tenant, order("khaby.lame")).await?;
            lab.table.delete(&opened.job.key).await?;
        }
        let jobs::Jobs { table, queue, clock, policy, .. } = &studio.jobs.jobs;
        let due = Due { kind: SCHEDULE_KIND, table, queue, clock, policy };
        let (guarded, unguarded) = (studio.schedules(), Unguarded(studio.jobs.clone()));
        let forever = Millis(u64::MAX);
        let (one, other) = if is_guarded {
            tokio::join!(due.start(&guarded, forever), due.start(&guarded, forever))
        } else {
            tokio::join!(due.start(&unguarded, forever), due.start(&unguarded, forever))
        };
        let (one, other) = (one?, other?);
        let checked = lab.check().await;
        println!("guarded {is_guarded}: {one:?}, {other:?}: {checked:?}");
        ensure!(checked.is_ok() == is_guarded, "guarded {is_guarded}: {one:?}, {other:?}: {checked:?}");
    }
    Ok(())
}
