//! Counting anew what was there before, or was lost.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::quiet::QuietTasks;
use drover_tests::second_engine::SecondEngine;
use extract::TaskType;
use futures::TryFutureExt;
use serde::{Deserialize, Serialize};
use table::{Clock, Item, Key, Millis, Table, TableError, decode, encode};
use tallies::{Change, Correction, Recount, Source, Tallies};
use tokio::time::sleep;

/// How long what counts may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Expiry {
    expires_at: u64,
}

/// An item that is made.
fn made(sequence: &str, after: Item) -> Change {
    let (at, before) = (Clock::system().now(), Item::new());
    Change { source: Source::Extract, sequence: sequence.to_owned(), at, before, after }
}

/// A probe, as it is told of each time.
fn probed(probe: Item) -> Result<Change, TableError> {
    let Expiry { expires_at } = decode(probe.clone())?;
    Ok(Change { at: Millis(expires_at * 1_000), ..made("of probes", probe) })
}

/// What the stream would tell of probes, for as long as somebody waits for it; before the first of them it tells of `late`.
async fn tell(tallies: &Tallies, table: &Table, mut late: Vec<Change>) -> Result<Correction, TableError> {
    loop {
        let items = table.sweep(None, None).await?.items;
        let probes = items.into_iter().filter(|item| item.contains_key("probe"));
        let probes = probes.map(probed).collect::<Result<Vec<_>, _>>()?;
        if !probes.is_empty() {
            tallies.count(&std::mem::take(&mut late)).await?;
        }
        for batch in probes.chunks(100) {
            tallies.count(batch).await?;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Corrects what a recount has found, while the stream is told.
async fn correct(tallies: &Tallies, recount: &Recount, table: &Table, late: Vec<Change>) -> anyhow::Result<Correction> {
    tokio::select! {
        corrected = Box::pin(tallies.correct(recount, table, PATIENCE)).map_err(anyhow::Error::from) => corrected,
        told = Box::pin(tell(tallies, table, late)) => Ok(told?),
    }
}

async fn recount(tallies: &Tallies, table: &Table) -> anyhow::Result<Recount> {
    Ok(Box::pin(tallies.recount(Source::Extract, table, Duration::ZERO)).await?)
}

/// A task in a table, as far as it is counted.
#[derive(Clone, Serialize)]
struct Counted {
    #[serde(flatten)]
    key: Key,
    job_kind: &'static str,
    status: &'static str,
    progress: u64,
}

fn task(name: &str, status: &'static str) -> Counted {
    Counted { key: Key::new(name, "TASK#1"), job_kind: "extract", status, progress: 0 }
}

/// A table with a task that runs and was never counted.
async fn uncounted() -> anyhow::Result<(Tallies, Table)> {
    let engine = SecondEngine::of(&Stack::from_environment()?).await?;
    let table = engine.fresh("extract").await?;
    table.replace(&task("old", "running")).await?;
    Ok((Tallies::new(engine.fresh("tallies").await?, Clock::system()), table))
}

async fn running(tallies: &Tallies) -> anyhow::Result<u64> {
    Ok(tallies.overview().await?.jobs[0].running)
}

/// It was read at one moment or another: what is counted since may be what was found, and is not added a second time.
#[tokio::test]
async fn nothing_is_corrected_if_anything_was_counted_meanwhile() -> anyhow::Result<()> {
    let (tallies, table) = uncounted().await?;
    let [waits, runs] = ["pending", "running"].map(|status| task("new", status));
    table.replace(&waits).await?;
    let (waits, runs) = (encode(&waits)?, encode(&runs)?);
    tallies.count(&[made("1", waits.clone())]).await?;
    let to = |sequence: &str, before: &Item, after: &Item| Change {
        before: before.clone(),
        ..made(sequence, after.clone())
    };
    for changes in [
        vec![to("2", &waits, &runs)],
        // And back: in one batch, so that both together are nothing.
        vec![to("3", &runs, &waits), to("4", &waits, &runs)],
    ] {
        let recount = recount(&tallies, &table).await?;
        ensure!(recount.quiet && !recount.differences.is_empty(), "{recount:?}");
        let before = running(&tallies).await?;
        tallies.count(&changes).await?;
        let counted = running(&tallies).await?;
        let corrected = correct(&tallies, &recount, &table, Vec::new()).await?;
        ensure!(corrected == Correction::Busy, "{corrected:?}, of {before} and {counted} that run");
        ensure!(running(&tallies).await? == counted, "it was corrected");
    }
    Ok(())
}

/// What nobody has counted yet is not missing: it will be counted.
#[tokio::test]
async fn nothing_is_corrected_while_what_counts_is_behind() -> anyhow::Result<()> {
    let (tallies, table) = uncounted().await?;
    let found = recount(&tallies, &table).await?;
    ensure!(found.quiet && found.differences.len() == 1, "{found:?}");
    // Nobody counts at all.
    let corrected = Box::pin(tallies.correct(&found, &table, Duration::from_secs(2))).await?;
    ensure!(corrected == Correction::Behind && running(&tallies).await? == 0, "{corrected:?}");
    ensure!(table.sweep(None, None).await?.items.len() == 1, "probes were left behind");
    // It is counted in the end, before the probes.
    let late = vec![made("late", encode(&task("old", "running"))?)];
    let corrected = correct(&tallies, &found, &table, late).await?;
    ensure!(corrected == Correction::Busy && running(&tallies).await? == 1, "{corrected:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_there_before_is_counted_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, quiet) = (stack.user().await?, QuietTasks::new(&stack, Clock::system()).await?);
    let engine = SecondEngine::of(&stack).await?;
    // A table of tasks of the test's own: two wait, one runs, one has failed. Only one of them was ever told of.
    let table = engine.fresh("extract").await?;
    let tallies = Tallies::new(engine.fresh("tallies").await?, Clock::system());
    for number in 0..4 {
        let task = quiet.pending(&user, &format!("Task {number}"), TaskType::SimpleScraping).await?;
        match number {
            2 => drop(quiet.run(&task).await?),
            3 => quiet.fail(&task).await?,
            _ => {}
        }
        table.replace(&stack.stored_task(&task.key).await?.context("it is gone")?).await?;
        if number == 0 {
            let after = table.get_item(&task.key, true).await?.unwrap_or_default();
            tallies.count(&[made("1", after)]).await?;
        }
    }
    let found = recount(&tallies, &table).await?;
    ensure!(found.quiet && found.items == 4, "{found:?}");
    // Of two operators who correct the same, one does.
    let operator = || Box::pin(correct(&tallies, &found, &table, Vec::new()));
    let (one, other) = tokio::try_join!(operator(), operator())?;
    let is_done = |corrected: Correction| corrected == Correction::Done;
    ensure!(is_done(one) != is_done(other), "{one:?}, {other:?}");
    let is_nothing = |corrected| matches!(corrected, Correction::Busy | Correction::Overtaken { written: 0, .. });
    ensure!(is_nothing(one) || is_nothing(other), "{one:?}, {other:?}");
    let overview = tallies.overview().await?;
    let tasks = overview.jobs[0];
    ensure!((tasks.waiting, tasks.running, tasks.failed, tasks.total()) == (2, 1, 1, 4), "{tasks:?}");
    ensure!(tasks.oldest_waiting.is_some(), "{tasks:?}");
    let again = recount(&tallies, &table).await?;
    ensure!(again.quiet && again.differences.is_empty(), "{again:?}");
    Ok(())
}
