//! `/logs/stream` (contracts/portal-jobs.md, "Logging"): the lines of a caller's jobs, each once and in order, whatever becomes of the connection.

mod feed;
mod reader;
mod requests;
mod stream;

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::event_source::Event;
use drover_tests::portal::PortalClient;
use futures::future::try_join_all;
use jobs::{FeedLine, Feeds, Job, Level, LoggedLine, Place};
use portals::{Portal, PortalJob, partition};
use serde_json::{Map, Value as Json};
use table::{Clock, Condition};
use uuid::Uuid;

/// One whose jobs say something.
struct Tenant {
    client: PortalClient,
    group: String,
}

impl Tenant {
    async fn new(stack: &Stack) -> anyhow::Result<Self> {
        let client = stack.portal_client().await?;
        Ok(Self { group: partition(&client.tenant), client })
    }

    /// A job of theirs that no function hears of; `change` makes it another than one that was just submitted.
    async fn job(&self, stack: &Stack, change: impl FnOnce(Job) -> Job) -> anyhow::Result<Uuid> {
        let account = stack.portal_account(&self.client.tenant, Portal::Pwmr).await?;
        let job = stack.portal_desk(Clock::system()).await?.jobs.create(&account).await?;
        let job = PortalJob { job: change(job.job), ..job };
        stack.table("portal").put(&job, Condition::Exists("pk")).await?;
        Ok(job.id)
    }
}

/// The feeds, as a process knows them that has just begun.
fn feeds(stack: &Stack) -> Feeds {
    portals::feeds(stack.table("events"), Clock::system())
}

fn lines(first: u64, count: u64) -> Vec<LoggedLine> {
    let line = |number| LoggedLine {
        number,
        at: Clock::system().now(),
        level: Level::Info,
        message: format!("line {number}"),
        metadata: Map::new(),
    };
    (first..first + count).map(line).collect()
}

/// As many processes as there are jobs write so many lines of each at once, some at a time.
async fn write(stack: &Stack, group: &str, jobs: &[Uuid], each: u64) -> anyhow::Result<()> {
    let of_one = async |job: &Uuid| {
        let (feeds, mut next) = (feeds(stack), 1);
        while next <= each {
            let count = fastrand::u64(1..=5).min(each - next + 1);
            feeds.append(group, &format!("JOB#{job}"), lines(next, count)).await?;
            next += count;
        }
        anyhow::Ok(())
    };
    try_join_all(jobs.iter().map(of_one)).await?;
    Ok(())
}

/// The whole feed of a group, as it is in the end.
async fn whole(stack: &Stack, group: &str) -> anyhow::Result<Vec<(Place, FeedLine)>> {
    let (feeds, mut place, mut all) = (feeds(stack), Place::default(), Vec::new());
    loop {
        let stretch = feeds.read(group, place).await?;
        place = stretch.end;
        all.extend(stretch.lines);
        if !stretch.more {
            return Ok(all);
        }
    }
}

/// What was seen is every line once, in the order of the feed, and the lines of each job in theirs.
async fn assert_whole(stack: &Stack, group: &str, jobs: &[Uuid], each: u64, seen: &[Event]) -> anyhow::Result<()> {
    let feed = whole(stack, group).await?;
    let feed: Vec<_> =
        feed.iter().map(|(place, line)| (place.to_string(), line.job.clone(), line.line.number)).collect();
    let told = |event: &Event| {
        let told: Json = serde_json::from_str(&event.data)?;
        let job = format!("JOB#{}", told["job_id"].as_str().context("no job")?);
        anyhow::Ok((event.id.clone(), job, told["number"].as_u64().context("no number")?))
    };
    let seen: Vec<_> = seen.iter().map(told).collect::<Result<_, _>>()?;
    let first_difference = seen.iter().zip(&feed).position(|(seen, written)| seen != written);
    ensure!(seen == feed, "{} lines were seen of {}, the first other at {first_difference:?}", seen.len(), feed.len());
    let mut of_jobs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (_, job, number) in &seen {
        of_jobs.entry(job).or_default().push(*number);
    }
    ensure!(of_jobs.len() == jobs.len(), "{:?}", of_jobs.keys());
    let in_order = |numbers: &Vec<u64>| numbers.iter().copied().eq(1..=each);
    ensure!(of_jobs.values().all(in_order), "{of_jobs:?}");
    Ok(())
}
