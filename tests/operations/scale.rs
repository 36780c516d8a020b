//! What a page costs an operator where there are 100,000 jobs and 100,000 credentials: no more than where there are few. On DynamoDB Local, as the default
//! emulator's queries slow down with the size of a partition; the library is the console's, in the test's own process.

use std::time::Duration;

use anyhow::{Context, ensure};
use credentials::{Credential, Status as Standing};
use drover_tests::Stack;
use drover_tests::second_engine::SecondEngine;
use extract::{Task, TaskConfig, TaskType, account_key, task_key};
use jobs::{Job, PartOf, Policy, Status, place};
use lease::LeaseState;
use operations::{Found, JobFilter, JobName, Kind, Operations, Paging};
use serde::Serialize;
use serde_json::json;
use table::{Clock, Key, Millis, Table, new_id};

use super::console::within;

/// How many jobs wait.
const WAITING: usize = 25_000;
/// How many have failed.
const FAILED: usize = 15_000;
/// Into how many parts each of so many jobs is split: with the others a hundred thousand items of the index.
const SPLIT: (usize, usize) = (30, 2_000);
/// How many credentials there are, and how many of them have failed: all others were disabled before.
const CREDENTIALS: (u64, u64) = (100_000, 50);
/// The most requests that a page may cost.
const MOST: u32 = 10;

/// A part of a job, as far as lists know it.
#[derive(Serialize)]
struct Part {
    #[serde(flatten)]
    key: Key,
    job_kind: &'static str,
    redeliver_at: Millis,
    status: &'static str,
}

fn task(user: &str, status: Status, at: Millis) -> anyhow::Result<Task> {
    let config = json!({"urls": ["https://example.com/"], "selectors": {"title": ".t"}});
    let config = TaskConfig::read(TaskType::SimpleScraping, &config).ok().context("no config")?;
    let id = new_id(at);
    let mut job = Job::submitted("extract", at, 1, place(5, at.0), &Policy::with_lease(Duration::from_mins(1)));
    job.status = status;
    if status == Status::Failed {
        "extract-failed".clone_into(&mut job.job_kind);
        job.redeliver_at = Some(at);
        (job.turn, job.lease) = (None, LeaseState::default());
    }
    Ok(Task {
        key: task_key(user, id),
        job,
        account: account_key(user),
        id,
        user_id: user.to_owned(),
        name: "A task".to_owned(),
        name_key: "a task".to_owned(),
        description: None,
        config,
        priority: 5,
    })
}

/// A hundred thousand items of the index `due`; a job that waits, and one that is split.
async fn fill(table: &Table, now: Millis) -> anyhow::Result<(JobName, JobName)> {
    let moment = |number: usize| Millis(now.0 - 1_000_000 + number as u64);
    let mut tasks = Vec::with_capacity(WAITING + FAILED);
    for number in 0..WAITING + FAILED {
        let status = if number < WAITING { Status::Pending } else { Status::Failed };
        tasks.push(task(&format!("user-{}", number % 500), status, moment(number))?);
    }
    let waits = JobName::new(Kind::Extract, &tasks[WAITING / 2].user_id, tasks[WAITING / 2].id).context("no name")?;
    let mut parts = Vec::with_capacity(SPLIT.0 * SPLIT.1);
    let mut split = Vec::with_capacity(SPLIT.0);
    for number in 0..SPLIT.0 {
        let mut parent = task("splitter", Status::Running, moment(number))?;
        let part_of = PartOf::new(&parent.key, 1);
        parent.job.children = Some(part_of.join.clone());
        (parent.job.redeliver_at, parent.job.turn) = (None, None);
        // Before all that waits: the first page meets nothing but parts.
        parts.extend((0..SPLIT.1).map(|part| Part {
            key: part_of.child(part),
            job_kind: "extract",
            redeliver_at: Millis(now.0 - 10_000_000 + part as u64),
            status: "pending",
        }));
        split.push(parent);
    }
    let name = JobName::new(Kind::Extract, "splitter", split[0].id).context("no name")?;
    table.put_many(&tasks).await?;
    table.put_many(&split).await?;
    table.put_many(&parts).await?;
    Ok((waits, name))
}

/// So many pages of a list, each within the bound; how many jobs they had.
async fn pages(operations: &Operations, filter: &JobFilter, count: usize) -> anyhow::Result<usize> {
    let (mut jobs, mut next): (usize, Option<String>) = (0, None);
    for _ in 0..count {
        let page = operations.jobs(Kind::Extract, filter, Paging::new(100, next.as_deref()));
        let page = within(MOST, page).await??;
        jobs += page.items.len();
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(jobs)
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn a_page_of_a_hundred_thousand_jobs_costs_ten_requests_at_most() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let engine = SecondEngine::of(&stack).await?;
    let (table, events) = (engine.fresh("extract").await?, engine.fresh("events").await?);
    let (waits, split) = fill(&table, Clock::system().now()).await?;
    let operations = stack.operations_on(table, events).await?;

    let open = pages(&operations, &JobFilter::Open, 30).await?;
    ensure!(open >= SPLIT.0, "{open} jobs on the first pages");
    ensure!(pages(&operations, &JobFilter::Failed, 3).await? == 300, "pages of failed jobs are not full");
    for status in [None, Some(Status::Pending), Some(Status::Failed)] {
        let filter = JobFilter::Of("user-7".to_owned(), status);
        ensure!(pages(&operations, &filter, 3).await? > 0, "{filter:?}: nothing");
    }
    for name in [waits, split] {
        ensure!(within(3, operations.find(name.id)).await?? == Some(Found::Job(name.clone())), "{name} is not found");
        ensure!(within(2, operations.job(&name)).await??.is_some(), "{name} is not shown");
    }
    Ok(())
}

fn credential(id: u64, status: Standing, at: Millis) -> Credential {
    Credential {
        key: Credential::key_of(id),
        id,
        pool: "linkedin".to_owned(),
        name: format!("Account {id}"),
        sealed: "sealed".to_owned(),
        status,
        lease: LeaseState::default(),
        parked: Some("linkedin".to_owned()),
        parked_at: Some(at),
        failure_count: 1,
        consecutive_failures: 1,
        success_count: 0,
        use_count: 1,
        last_error: Some("banned".to_owned()),
        last_used_at: None,
        session_id: None,
        last_holder: None,
        last_report: None,
        policy: None,
        created_at: at,
        updated_at: at,
    }
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn a_page_of_a_hundred_thousand_credentials_costs_ten_requests_at_most() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let engine = SecondEngine::of(&stack).await?;
    let (table, events) = (engine.fresh("credentials").await?, engine.fresh("events").await?);
    let (all, failed) = CREDENTIALS;
    let stands = |id| if id > all - failed { Standing::Failed } else { Standing::Disabled };
    let credentials: Vec<_> = (1..=all).map(|id| credential(id, stands(id), Millis(1_000_000 + id))).collect();
    table.put_many(&credentials).await?;
    let pools = stack.pools_on(table, events);
    for (status, wanted) in [(None, 300), (Some(Standing::Disabled), 300), (Some(Standing::Failed), failed)] {
        let (mut seen, mut read, mut next): (u64, u32, Option<String>) = (0, 0, None);
        loop {
            read += 1;
            let page = within(MOST, pools.credentials("linkedin", status, Paging::new(100, next.as_deref()))).await??;
            let page = page.context("no platform")?;
            seen += page.items.len() as u64;
            next = page.next;
            if seen >= wanted || next.is_none() {
                break;
            }
        }
        ensure!(seen >= wanted, "{status:?}: {seen} seen");
        // Also where all but a few are others, who looks for them is not led through many empty pages.
        ensure!(read <= 6, "{status:?}: {read} pages");
    }
    Ok(())
}
