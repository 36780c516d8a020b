//! What the console's pages cost where there are 100,000 jobs and 100,000 credentials: ten requests of DynamoDB at most, each. On DynamoDB Local, as the
//! default emulator's queries slow down with the size of a partition: the function is a process of the test's.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use credentials::{Credential, Status as Standing};
use drover_tests::Stack;
use drover_tests::console::Console;
use drover_tests::function::{FunctionProcess, Invoked};
use drover_tests::second_engine::{OwnTables, SecondEngine};
use extract::{Task, TaskConfig, TaskType, account_key, task_key};
use jobs::{Job, PartOf, Policy, Status, place};
use lease::LeaseState;
use operations::{JobName, Kind};
use serde::Serialize;
use serde_json::json;
use table::{Clock, Key, Millis, Table, new_id};
use url::Url;
use worker::{NewTask, TaskStatus};

/// How many jobs wait.
const WAITING: usize = 25_000;
/// How many have failed.
const FAILED: usize = 15_000;
/// Into how many parts each of so many jobs is split: with the others a hundred thousand items of the index.
const SPLIT: (usize, usize) = (30, 2_000);
/// How many credentials there are, and how many of them have failed: all others were disabled before.
const CREDENTIALS: (u64, u64) = (100_000, 50);
/// How many tasks of the worker API there are: every other has failed, and few are of the second campaign.
const TASKS: u64 = 30_000;
/// One in so many tasks is of the second campaign.
const RARE: u64 = 1_000;
/// The most requests of DynamoDB that a page may cost.
const MOST: u64 = 10;
/// How often a page is asked for.
const TRIES: usize = 3;

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
async fn fill_with_jobs(table: &Table, now: Millis) -> anyhow::Result<(JobName, JobName)> {
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

async fn fill_with_credentials(table: &Table) -> anyhow::Result<()> {
    let (all, failed) = CREDENTIALS;
    let stands = |id| if id > all - failed { Standing::Failed } else { Standing::Disabled };
    let credentials: Vec<_> = (1..=all).map(|id| credential(id, stands(id), Millis(1_000_000 + id))).collect();
    Ok(table.put_many(&credentials).await?)
}

async fn fill_with_tasks(table: &Table, now: Millis) -> anyhow::Result<()> {
    let mut tasks = Vec::new();
    for id in 1..=TASKS {
        let campaign = if id % RARE == 0 { 2 } else { 1 };
        let new: NewTask = serde_json::from_value(json!({"campaign_id": campaign, "type": "comment"}))?;
        let at = Millis(now.0 - TASKS + id);
        let mut task = new.at(id, at, at);
        if id % 2 == 0 {
            (task.status, task.finished_at, task.failed_at) = (TaskStatus::Error, Some(at), Some(at));
            task.lease = LeaseState::default();
        }
        tasks.push(task);
    }
    Ok(table.put_many(&tasks).await?)
}

/// The console, as a process of its own, with tables of its own, before which an operator sits.
struct Lab {
    function: FunctionProcess,
    tables: OwnTables,
    console: Console,
}

impl Lab {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let tables = SecondEngine::of(&stack).await?.tables_of("console").await?;
        let operator = stack.operator_in(tables.named("identity")?).await?;
        Ok(Self {
            function: FunctionProcess::start("console", &tables.environment).await?,
            console: stack.console_as(&operator).await?,
            tables,
        })
    }

    /// A page, which must be there and within the bound.
    async fn page(&self, path: &str) -> anyhow::Result<String> {
        let headers = [("cookie", self.console.cookies.as_str())];
        let address = format!("/console{path}");
        let ask = async || self.function.request("GET", &address, &headers, "").await;
        let mut answer = ask().await?;
        for _ in 1..TRIES {
            // On a busy machine the engine may take longer than a function waits.
            if answer.status < 500 {
                break;
            }
            answer = ask().await?;
        }
        let Invoked { status, text, line, .. } = answer;
        // What is found by its id is led to.
        let expected = if path.starts_with("/jobs/find") { 303 } else { 200 };
        ensure!(status == expected, "{path}: {status} {text}");
        let requests = line["dynamodb_requests"].as_u64().context("no count")?;
        ensure!(requests <= MOST, "{path}: {requests} requests, more than {MOST}");
        Ok(text)
    }

    /// So many pages of a list, by its links to the next: where their rows lead, and how many pages there are.
    async fn rows(&self, list: &str, pages: usize) -> anyhow::Result<(Vec<String>, usize)> {
        let (mut rows, mut path) = (Vec::new(), list.to_owned());
        for number in 1..=pages {
            let page = self.page(&path).await?;
            let links = page.split("role=\"rowheader\" scope=\"row\"><a href=\"").skip(1);
            rows.extend(links.filter_map(|link| link.split('"').next()).map(str::to_owned));
            match next_of(&path, &page)? {
                Some(next) => path = next,
                None => return Ok((rows, number)),
            }
        }
        Ok((rows, pages))
    }
}

/// Where a page's link to the next leads, below the console.
fn next_of(path: &str, page: &str) -> anyhow::Result<Option<String>> {
    let Some((_, link)) = page.split_once("rel=\"next\" href=\"") else { return Ok(None) };
    let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
    let next = Url::parse(&format!("http://host/console{path}"))?.join(&link)?;
    let below = next.path().strip_prefix("/console").context("it leads elsewhere")?;
    Ok(Some(format!("{below}?{}", next.query().unwrap_or_default())))
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn every_page_costs_ten_requests_at_most_with_a_hundred_thousand_jobs_and_credentials() -> anyhow::Result<()> {
    let (lab, now) = (Lab::open().await?, Clock::system().now());
    let tables = &lab.tables;
    let (waits, split) = fill_with_jobs(tables.named("extract")?, now).await?;
    fill_with_credentials(tables.named("credentials")?).await?;
    fill_with_tasks(tables.named("worker")?, now).await?;

    // At the head of the list there are only parts of jobs, which are found again by each of theirs: once a page.
    let (open, _) = lab.rows("/jobs?kind=extract&status=open", 30).await?;
    let open = BTreeSet::from_iter(open).len();
    ensure!(open >= SPLIT.0, "{open} jobs on the first pages");
    for (path, pages, least) in [
        ("/jobs?kind=extract&status=failed", 3, 75),
        ("/jobs?kind=extract&tenant=user-7&status=any", 3, 75),
        ("/jobs?kind=extract&tenant=user-7&status=pending", 3, 50),
        ("/jobs?kind=extract&tenant=user-7&status=failed", 3, 30),
        ("/credentials?platform=linkedin", 3, 75),
        ("/credentials?platform=linkedin&status=disabled", 3, 75),
        // Also where all but a few are others, who looks for them is not led through many empty pages.
        ("/credentials?platform=linkedin&status=failed", 6, 50),
        ("/worker-tasks", 3, 75),
        ("/worker-tasks?status=open", 3, 75),
        ("/worker-tasks?status=failed", 3, 75),
        ("/worker-tasks?status=failed&campaign=2", 12, 30),
        ("/worker-tasks?status=open&campaign=1&type=comment", 3, 75),
    ] {
        let (rows, read) = lab.rows(path, pages).await?;
        let (count, different) = (rows.len(), BTreeSet::from_iter(rows).len());
        println!("{path}: {count} rows on {read} pages");
        ensure!(
            count >= least && different == count,
            "{path}: {count} rows on {read} pages, {different} different ones"
        );
    }
    let page_of = |job: &JobName, act: &str| format!("/jobs/extract/{}{act}?tenant={}", job.id, job.tenant);
    for path in [
        String::new(),
        "/audit".to_owned(),
        "/credentials".to_owned(),
        "/credentials/7".to_owned(),
        "/credentials/7/enable".to_owned(),
        "/dead-letters".to_owned(),
        page_of(&waits, ""),
        page_of(&waits, "/cancel"),
        page_of(&split, ""),
        page_of(&split, "/cancel"),
        format!("/jobs/find?id={}", waits.id),
        "/jobs/find?id=7".to_owned(),
        "/jobs?kind=portal".to_owned(),
        "/jobs?kind=video".to_owned(),
        "/proxies".to_owned(),
        "/schedules".to_owned(),
        "/schedules?kind=monitor".to_owned(),
        "/worker-tasks/7".to_owned(),
        "/worker-tasks/7/cancel".to_owned(),
    ] {
        lab.page(&path).await?;
    }
    Ok(())
}
