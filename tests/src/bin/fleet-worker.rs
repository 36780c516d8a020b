//! A worker as the worker API's users have them, a process of its own: comes by tasks, does them, reports on them, and tells each step on
//! its output ([`drover_tests::fleet`]). Works until its input ends. Its token is in `DROVER_WORKER_TOKEN`.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use drover_tests::answer::Answer;
use drover_tests::fleet::{Did, Told, Way};
use drover_tests::worker::Worker;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};

/// How many calls it makes from one address: limits are by address, and a fleet's workers have one each.
const CALLS_OF_AN_ADDRESS: u32 = 100;
/// How long it rests when nothing is due, or something went wrong.
const REST: Duration = Duration::from_millis(500);
/// The longest that a task takes, in milliseconds.
const LONGEST_TASK: u64 = 2_000;

#[derive(Parser)]
struct Cli {
    /// The base URL of all APIs
    #[arg(long)]
    url: String,
    /// What it is called
    #[arg(long)]
    name: String,
    /// Whose tasks it does
    #[arg(long)]
    campaign: u64,
    /// How it comes by them
    #[arg(long)]
    way: Way,
    /// How long it locks a task, in seconds
    #[arg(long)]
    lease_seconds: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow::anyhow!("there is one already"))?;
    let token = std::env::var("DROVER_WORKER_TOKEN").context("DROVER_WORKER_TOKEN is not set")?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut worker = Worker::new(cli.url.clone(), token)?;
    worker.name.clone_from(&cli.name);
    let mut shift = Shift { cli, worker, calls: 0 };
    loop {
        if let Err(trouble) = shift.one_task().await {
            let now = now();
            tell(now, now, Did::Troubled(format!("{trouble:#}")))?;
            tokio::time::sleep(REST).await;
        }
    }
}

/// A worker at work.
struct Shift {
    cli: Cli,
    worker: Worker,
    /// How many calls it has made from where it is.
    calls: u32,
}

/// A task that is locked.
struct Lock {
    task: u64,
    token: u64,
}

impl Shift {
    /// Does one task, or rests if there is none.
    async fn one_task(&mut self) -> anyhow::Result<()> {
        let lock = match self.cli.way {
            Way::PendingLock => self.lock_one_that_is_pending().await?,
            Way::Claim => self.claim().await?,
        };
        let Some(lock) = lock else {
            tokio::time::sleep(REST).await;
            return Ok(());
        };
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..=LONGEST_TASK))).await;
        self.report(&lock).await
    }

    /// Locks one of the tasks that are pending: of many workers that see the same ones, each begins with another.
    async fn lock_one_that_is_pending(&mut self) -> anyhow::Result<Option<Lock>> {
        let path = format!("/tasks/pending?campaign_id={}", self.cli.campaign);
        let (called, answer) = self.call(Method::GET, &path, None).await?;
        let told = answer.success(200)?;
        let mut due: Vec<u64> =
            told["tasks"].as_array().into_iter().flatten().filter_map(|task| task["id"].as_u64()).collect();
        tell(called, now(), Did::Looked(due.len()))?;
        fastrand::shuffle(&mut due);
        for task in due {
            let body = json!({"lease_seconds": self.cli.lease_seconds});
            let (called, answer) = self.call(Method::POST, &format!("/tasks/{task}/lock"), Some(&body)).await?;
            match answer.status {
                200 => return locked(called, &answer.json()?["task"]).map(Some),
                400 => tell(called, now(), Did::Missed)?,
                _ => bail!("lock: {answer:?}"),
            }
        }
        Ok(None)
    }

    async fn claim(&mut self) -> anyhow::Result<Option<Lock>> {
        let path = format!("/tasks/claim?campaign_id={}", self.cli.campaign);
        let body = json!({"lease_seconds": self.cli.lease_seconds});
        let (called, answer) = self.call(Method::POST, &path, Some(&body)).await?;
        let told = answer.success(200)?;
        if told["task"].is_null() {
            tell(called, now(), Did::Looked(0))?;
            return Ok(None);
        }
        locked(called, &told["task"]).map(Some)
    }

    /// Reports, again and again until there is an answer: the same report twice counts once.
    async fn report(&mut self, Lock { task, token }: &Lock) -> anyhow::Result<()> {
        let (task, token) = (*task, *token);
        let began = now();
        tell(began, began, Did::Reporting { task, token })?;
        let body = json!({"status": "success", "result": {"worker": self.cli.name, "token": token}});
        loop {
            let answer = self.call(Method::PUT, &format!("/tasks/{task}/status"), Some(&body)).await;
            let trouble = match answer {
                Ok((_, answer)) if matches!(answer.status, 200 | 400) => {
                    return tell(began, now(), Did::Reported { task, token, accepted: answer.status == 200 });
                }
                Ok((_, answer)) => format!("report: {answer:?}"),
                Err(error) => format!("report: {error:#}"),
            };
            let now = now();
            tell(now, now, Did::Troubled(trouble))?;
            tokio::time::sleep(REST).await;
        }
    }

    /// Calls an endpoint; when, and what it answered.
    async fn call(&mut self, method: Method, path: &str, body: Option<&Json>) -> anyhow::Result<(u64, Answer)> {
        if self.calls == CALLS_OF_AN_ADDRESS {
            (self.worker, self.calls) = (self.worker.elsewhere()?, 0);
        }
        self.calls += 1;
        let called = now();
        let answer = match body {
            Some(body) => self.worker.send(method, path, body).await?,
            None => self.worker.call(method, path).await?,
        };
        Ok((called, answer))
    }
}

fn locked(called: u64, told: &Json) -> anyhow::Result<Lock> {
    let task = told["id"].as_u64().context("no id")?;
    let token = told["lease_token"].as_u64().context("no token")?;
    let until = told["lock_expires_at"].as_str().and_then(Millis::parse).context("no end")?;
    tell(called, now(), Did::Locked { task, token, until: until.0 })?;
    Ok(Lock { task, token })
}

fn tell(called: u64, answered: u64, what: Did) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(&Told { called, answered, what })?);
    Ok(())
}

/// Milliseconds since the epoch.
fn now() -> u64 {
    Clock::system().now().0
}
