//! The function's own processes, on an engine and a table of the test's own: told the same changes at the same time, and killed. And what it costs.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::function::FunctionProcess;
use drover_tests::second_engine::SecondEngine;
use futures::future::try_join_all;
use serde_json::{Value as Json, json};
use table::cost::metered;
use table::testing::fresh_table;
use table::{AttributeValue, Clock, Item, Millis, Table};
use tallies::{Change, Last, Overview, Source, Tallies};

/// How many processes are told of changes at the same time.
const PROCESSES: usize = 4;

/// A change of a credential or a video, as the stream tells it; `number` tells it from the others.
fn record(stack: &Stack, number: u64, now: Millis) -> Json {
    let (table, sk) = if number.is_multiple_of(3) { ("video", "JOB#1") } else { ("credentials", "CRED") };
    let image = |step: u64| match (table, step) {
        ("video", 0) => json!({"job_kind": {"S": "video"}, "progress": {"N": "0"}, "status": {"S": "running"}}),
        ("video", _) => json!({"job_kind": {"S": "video"}, "progress": {"N": "0"}, "status": {"S": "completed"}}),
        (_, 0) => {
            json!({"pool": {"S": "linkedin"}, "status": {"S": "in_use"}, "lease_token": {"N": number.to_string()}})
        }
        (_, _) => {
            json!({"pool": {"S": "linkedin"}, "status": {"S": "failed"}, "lease_token": {"N": number.to_string()}})
        }
    };
    json!({
        "eventID": number.to_string(), "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
        "eventSourceARN": format!("arn:aws:dynamodb:eu-west-1:000000000000:table/{}-{table}/stream/1", stack.name),
        "dynamodb": {
            "ApproximateCreationDateTime": now.epoch_seconds() - number % 40, "SequenceNumber": format!("{number:025}"), "SizeBytes": 60,
            "Keys": {"pk": {"S": "one"}, "sk": {"S": sk}}, "OldImage": image(0), "NewImage": image(1),
        },
    })
}

/// What has come of so many changes: those of jobs and of credentials have left one state for another.
fn assert_counted(overview: &Overview, changes: u64) -> anyhow::Result<()> {
    let of_jobs = changes.div_ceil(3);
    let jobs: BTreeMap<_, _> = overview.jobs.iter().map(|jobs| (jobs.kind.as_str(), jobs.completed)).collect();
    ensure!(jobs.get("video") == Some(&of_jobs), "{jobs:?}, of {of_jobs}");
    let failed: Vec<_> = overview.pools.iter().map(|pool| (pool.platform.as_str(), pool.failed)).collect();
    ensure!(failed == [("linkedin", changes - of_jobs)], "{failed:?}, of {}", changes - of_jobs);
    Ok(())
}

#[tokio::test]
async fn processes_that_are_told_the_same_at_once_count_it_once() -> anyhow::Result<()> {
    const CHANGES: u64 = 300;
    let stack = Stack::from_environment()?;
    let engine = SecondEngine::of(&stack).await?;
    let table = engine.fresh("tallies").await?;
    let mut environment = engine.environment_of("tallies").await?;
    environment.insert("TALLIES_TABLE".to_owned(), table.name().to_owned());
    let now = Clock::system().now();
    let records: Vec<_> = (0..CHANGES).map(|number| record(&stack, number, now)).collect();
    let start = || FunctionProcess::start("tallies", &environment);
    let processes = try_join_all((0..PROCESSES).map(|_| start())).await?;

    // Each is told all of it, in batches of another size, from another place on: most batches are others' in part.
    let tell = async |number: usize, process: &FunctionProcess| {
        let (mut mine, size) = (records.clone(), 17 + 31 * number);
        mine.rotate_left(number * 70);
        for batch in mine.chunks(size) {
            process.event(&json!({"Records": batch})).await?;
        }
        anyhow::Ok(())
    };
    // One dies at some moment of it.
    let dies = start().await?;
    let killed = async {
        let soon = std::time::Duration::from_millis(fastrand::u64(20..200));
        let _ = tokio::time::timeout(soon, tell(PROCESSES, &dies)).await;
        anyhow::Ok(())
    };
    let all = try_join_all(processes.iter().enumerate().map(|(number, process)| tell(number, process)));
    tokio::try_join!(all, killed)?;
    drop(dies);
    let tallies = Tallies::new(table, Clock::system());
    assert_counted(&tallies.overview().await?, CHANGES)?;
    // All of it once more, when all is over.
    tell(0, &processes[0]).await?;
    assert_counted(&tallies.overview().await?, CHANGES)
}

fn image(texts: &[(&str, &str)], numbers: &[(&str, u64)]) -> Item {
    let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())));
    let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), AttributeValue::N(number.to_string())));
    texts.chain(numbers).collect()
}

/// A claim of a credential.
fn claim(number: u64, platform: &str, at: Millis) -> Change {
    let image = |status, token| image(&[("pool", platform), ("status", status)], &[("lease_token", token)]);
    let (before, after) = (image("available", number), image("in_use", number + 1));
    Change { source: Source::Credentials, sequence: number.to_string(), at, before, after }
}

/// A job that is made and waits.
fn submission(number: u64, at: Millis) -> Change {
    let texts = [("job_kind", "portal"), ("status", "pending"), ("turn", "250#1")];
    let after = image(&texts, &[("progress", 0), ("claimable_at", at.0)]);
    Change { source: Source::Portal, sequence: format!("job {number}"), at, before: Item::new(), after }
}

async fn own_table() -> anyhow::Result<Table> {
    Ok(fresh_table("tallies").await?)
}

/// What a batch costs: one transaction, each item of which is two units. A unit is not more than a tenth of what the changes themselves cost.
#[tokio::test]
async fn a_batch_is_one_transaction() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tallies = Tallies::new(own_table().await?, Clock::system());
    let now = Clock::system().now();
    // The first batch of an hour also looks for hours in which nobody waits.
    tallies.count(&[claim(0, "linkedin", now)]).await?;
    let claims = |from: u64, to: u64| (from..to).map(|number| claim(number, "linkedin", now)).collect::<Vec<_>>();
    for (what, changes, units) in [
        // The marks, the pool, the ten minutes.
        ("one claim", claims(1, 2), 6.0),
        ("thirty claims of a second", claims(2, 32), 6.0),
        // A whole batch: its condition is nearly as long as one may be, and the marks have grown beyond a unit.
        ("a hundred claims of a second", claims(200, 300), 8.0),
        // And the hour in which it began to wait.
        ("one submission", vec![submission(1, now)], 8.0),
        ("thirty submissions of a second", (2..32).map(|number| submission(number, now)).collect(), 8.0),
    ] {
        let (counted, cost) = metered(Box::pin(tallies.count(&changes))).await;
        ensure!(counted?.counted == changes.len(), "{what}: not all were counted");
        ensure!(cost.dynamodb_requests == 1 && cost.other_requests == 0, "{what}: {cost:?}");
        ensure!(!stack.counts_capacity || cost.write_units <= units, "{what}: {cost:?}");
    }
    // What is known costs a look, and a change that changes no count costs nothing.
    let (known, cost) = metered(Box::pin(tallies.count(&claims(1, 2)))).await;
    ensure!(known?.known == 1 && cost.dynamodb_requests <= 2, "{cost:?}");
    let mut nothing = claim(99, "linkedin", now);
    nothing.before = nothing.after.clone();
    let (_, cost) = metered(Box::pin(tallies.count(&[nothing]))).await;
    ensure!(cost.dynamodb_requests == 0, "{cost:?}");
    Ok(())
}

/// However much there is of everything, and however much has happened: the numbers of a deployment with 100,000 of each, and a day that is full.
#[tokio::test]
async fn what_the_overview_reads_does_not_grow() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tallies = Tallies::new(own_table().await?, Clock::system());
    let now = Clock::system().now();
    let looked = async || {
        let (overview, seen) = metered(Box::pin(tallies.overview())).await;
        let (_, hour) = metered(Box::pin(tallies.rates(Last::Hour))).await;
        let (_, day) = metered(Box::pin(tallies.rates(Last::Day))).await;
        overview.map(|overview| (overview, [seen, hour, day]))
    };
    let (nothing, _) = looked().await?;
    ensure!(nothing.pools.is_empty() && nothing.jobs.len() == 4, "{nothing:?}");
    // Of a hundred platforms, in each ten minutes of a day.
    for ten_minutes in 0..144 {
        let at = Millis(now.0 - ten_minutes * 600_000);
        let platform = format!("platform-{}", ten_minutes % 100);
        let changes = [claim(ten_minutes, &platform, at), submission(ten_minutes, at)];
        ensure!(tallies.count(&changes).await?.counted == 2, "not counted");
    }
    let (overview, costs) = looked().await?;
    ensure!(overview.pools.len() == 100 && overview.jobs[1].waiting == 144, "{overview:?}");
    let requests: u32 = costs.iter().map(|cost| cost.dynamodb_requests).sum();
    println!("overview, hour, day: {costs:?}");
    ensure!(requests == 4, "{costs:?}");
    if stack.counts_capacity {
        let [seen, hour, day] = costs.map(|cost| cost.read_units);
        ensure!(seen <= 6.0 && hour <= 1.0 && day <= 12.0, "{costs:?}");
    }
    let oldest = overview.jobs[1].oldest_waiting.context("none waits")?;
    ensure!(oldest.0 / 60_000 == (now.0 - 143 * 600_000) / 60_000, "{oldest}");
    Ok(())
}
