//! Ten thousand schedules due in the same minute. The functions' own processes run on DynamoDB Local: the default emulator is too slow for it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::function::FunctionProcess;
use drover_tests::second_engine::SecondEngine;
use drover_tests::video::order;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Query, Table, new_id};
use videos::{NewSchedule, Schedule, VideoJob, VideoJobs, account_key, schedule_key};

const TENANTS: usize = 500;
const EACH: usize = 20;
/// How many are looked at to know how far the schedulers are.
const SAMPLE: usize = 100;

/// What the schedulers have told of themselves.
#[derive(Default)]
struct Told {
    started: u64,
    lost: u64,
    requests: u64,
    invocations: u32,
}

impl Told {
    fn add(&mut self, answer: &Json) -> anyhow::Result<u64> {
        let of = |field: &str| answer[field].as_u64().with_context(|| format!("no {field}: {answer}"));
        ensure!(of("failed")? == 0 && of("skipped")? == 0, "{answer}");
        self.started += of("started")?;
        self.lost += of("lost")?;
        self.requests += of("dynamodb_requests")?;
        self.invocations += 1;
        Ok(of("started")? + of("lost")?)
    }
}

/// Ten thousand schedules that are due by now.
async fn seed(table: &Table, stack: &Stack) -> anyhow::Result<Vec<Schedule>> {
    let past = Clock::fake(table::Millis(Clock::system().now().0 - 10 * 60_000));
    let mut jobs = stack.studio(past.clone()).await?.jobs.jobs;
    jobs.table = table.clone();
    let desk = videos::Schedules::new(VideoJobs::new(jobs, 5, 5));
    let new = NewSchedule { name: "A".to_owned(), order: order("khaby.lame"), interval_minutes: 1_440, enabled: true };
    let like = desk.create("tenant", new).await?;
    table.delete(&like.key).await?;
    let schedules: Vec<_> = (0..TENANTS * EACH)
        .map(|number| {
            let (id, tenant) = (new_id(past.now()), format!("tenant-{:03}", number / EACH));
            Schedule { key: schedule_key(&tenant, id), id, tenant, next_run_at: Some(past.now()), ..like.clone() }
        })
        .collect();
    table.put_many(&schedules).await?;
    Ok(schedules)
}

/// Waits until half of a sample is started.
async fn half_way(table: &Table, schedules: &[Schedule]) -> anyhow::Result<()> {
    let sample: Vec<Key> =
        schedules.iter().step_by(schedules.len() / SAMPLE).take(SAMPLE).map(|schedule| schedule.key.clone()).collect();
    drover_tests::eventually("half of the runs are started", async || {
        let found: Vec<Schedule> = table.get_many(&sample).await?;
        let started = found.iter().filter(|schedule| schedule.total_runs > 0).count();
        if started < SAMPLE / 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok((started >= SAMPLE / 2).then_some(()))
    })
    .await
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn ten_thousand_due_at_once_are_started_once_each_though_a_scheduler_is_killed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let engine = SecondEngine::of(&stack).await?;
    let table = engine.fresh("video").await?;
    let queue = format!("{}-scale-{}", stack.name, new_id(Clock::system().now()));
    let queue = stack.sqs().create_queue().queue_name(queue).send().await?.queue_url.context("no queue")?;
    let mut environment = engine.environment_of("scheduler").await?;
    environment.insert("VIDEO_TABLE".to_owned(), table.name().to_owned());
    environment.insert("VIDEO_QUEUE_URL".to_owned(), queue.clone());
    let schedules = seed(&table, &stack).await?;

    let survivor = FunctionProcess::start("scheduler", &environment).await?;
    let victim = FunctionProcess::start("scheduler", &environment).await?;
    let (mut told, minute) = (Told::default(), json!({}));
    let killed = async {
        tokio::select! {
            // Killed in the midst of it: what it has told nobody of is in the table alone.
            half = half_way(&table, &schedules) => half.map(|()| true),
            answer = victim.event(&minute) => anyhow::bail!("it ended before it could be killed: {answer:?}"),
        }
    };
    let (first, killed) = tokio::join!(survivor.event(&minute), killed);
    drop(victim);
    ensure!(killed?, "nobody was killed");
    told.add(&first?)?;
    while told.add(&survivor.event(&minute).await?)? > 0 {}

    check(&table, &schedules).await?;
    println!(
        "{} schedules: {} runs told of by {} invocations, {} lost to the other; {:.2} requests of DynamoDB a run",
        schedules.len(),
        told.started,
        told.invocations,
        told.lost,
        f64::from(u32::try_from(told.requests)?) / f64::from(u32::try_from(told.started + told.lost)?)
    );
    stack.sqs().delete_queue().queue_url(queue).send().await?;
    Ok(())
}

/// Each schedule has one run, which is its own, and is due again later.
async fn check(table: &Table, schedules: &[Schedule]) -> anyhow::Result<()> {
    let mut runs: HashMap<String, Vec<String>> = HashMap::new();
    for tenant in 0..TENANTS {
        let jobs = Condition::Between("sk", "JOB#".into(), "JOB#~".into());
        let partition = account_key(&format!("tenant-{tenant:03}")).pk;
        let jobs = Query::new(Condition::All(vec![Condition::equal("pk", partition), jobs])).consistent();
        for job in table.query::<VideoJob>(jobs).await?.items {
            let schedule = job.schedule_id.context("a run of nothing")?.to_string();
            runs.entry(schedule).or_default().push(job.id.to_string());
        }
    }
    ensure!(runs.len() == schedules.len(), "{} of {} have runs", runs.len(), schedules.len());
    let now = Clock::system().now();
    for some in schedules.chunks(SAMPLE) {
        let keys: Vec<_> = some.iter().map(|schedule| schedule.key.clone()).collect();
        for schedule in table.get_many::<Schedule>(&keys).await? {
            let of_it = &runs[&schedule.id.to_string()];
            ensure!(of_it.len() == 1, "{} has the runs {of_it:?}", schedule.id);
            ensure!(schedule.active_run.as_deref() == Some(of_it[0].as_str()), "{schedule:?}");
            ensure!(schedule.total_runs == 1 && schedule.skipped_runs == 0, "{schedule:?}");
            ensure!(schedule.next_run_at.is_some_and(|next| next.after(Duration::from_mins(5)) > now), "{schedule:?}");
        }
    }
    Ok(())
}
