//! What the overview shows: how many jobs and credentials there are of each state, and what happens a minute. It is what the APIs say, whatever is told
//! twice, lost or killed between.

mod counting;
mod pools;
mod recounts;
mod tasks;
mod whole;

use anyhow::Context;
use drover_tests::Stack;
use table::Clock;
use tallies::{Kind, PoolTally, Tallies};

/// What the stack has counted.
fn tallies_of(stack: &Stack) -> Tallies {
    Tallies::new(stack.table("tallies"), Clock::system())
}

/// How a platform's credentials stand by what is counted.
async fn pool_of(stack: &Stack, platform: &str) -> anyhow::Result<Option<PoolTally>> {
    let overview = tallies_of(stack).overview().await?;
    Ok(overview.pools.into_iter().find(|pool| pool.platform == platform))
}

/// All claims of credentials in the last day.
async fn claims(tallies: &Tallies) -> anyhow::Result<u64> {
    let rates = tallies.rates(tallies::Last::Day).await?;
    let of = rates.series.into_iter().find(|series| series.kind == Kind::Credentials).context("no credentials")?;
    Ok(of.claimed.into_iter().sum())
}
