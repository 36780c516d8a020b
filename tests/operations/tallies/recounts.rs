//! Counting anew what was there before, or was lost.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::quiet::QuietTasks;
use drover_tests::second_engine::SecondEngine;
use extract::TaskType;
use table::{Clock, Item};
use tallies::{Change, Source, Tallies};

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
            let (at, before) = (Clock::system().now(), Item::new());
            let after = table.get_item(&task.key, true).await?.unwrap_or_default();
            let change = Change { source: Source::Extract, sequence: "1".to_owned(), at, before, after };
            tallies.count(&[change]).await?;
        }
    }
    let recount = tallies.recount(Source::Extract, &table, Duration::ZERO).await?;
    ensure!(recount.quiet && recount.items == 4, "{recount:?}");
    // Of two operators who correct the same, one does.
    let both = tokio::try_join!(tallies.correct(&recount), tallies.correct(&recount))?;
    ensure!(both == (true, false) || both == (false, true), "{both:?}");
    let overview = tallies.overview().await?;
    let tasks = overview.jobs[0];
    ensure!((tasks.waiting, tasks.running, tasks.failed, tasks.total()) == (2, 1, 1, 4), "{tasks:?}");
    ensure!(tasks.oldest_waiting.is_some(), "{tasks:?}");
    let again = tallies.recount(Source::Extract, &table, Duration::ZERO).await?;
    ensure!(again.quiet && again.differences.is_empty(), "{again:?}");
    Ok(())
}
