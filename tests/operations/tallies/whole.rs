//! Everything that all the other tests have done: each of its changes was counted once.

use std::time::Duration;

use anyhow::ensure;
use drover_tests::{Stack, eventually};
use tallies::Source;

use super::tallies_of;

/// Longer than it takes until a change is counted.
const PAUSE: Duration = Duration::from_secs(3);

#[tokio::test]
#[ignore = "wants the stack for itself: tests/run runs it after the others"]
async fn what_is_counted_is_what_the_tables_hold() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let tallies = tallies_of(&stack);
    for source in Source::ALL {
        let table = stack.table(source.as_str());
        let recount = eventually("nothing is counted while the table is", async || {
            Ok(Some(tallies.recount(source, &table, PAUSE).await?).filter(|recount| recount.quiet))
        })
        .await?;
        println!("{}: {} items", source.as_str(), recount.items);
        ensure!(recount.differences.is_empty(), "{source:?}: {recount:?}");
    }
    Ok(())
}
