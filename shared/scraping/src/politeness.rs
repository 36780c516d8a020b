//! A rate per host that holds across the whole fleet. Each request to a host takes a turn of its own: the host's item says when the
//! next turn is (`next_at`), and whoever moves it on by one interval owns the turn that it stood at.
//!
//! | access | key | condition |
//! |---|---|---|
//! | take a turn now | `pk = HOST#{host}:{port}`, `sk = SLOT` | `next_at` absent or in the past |
//! | queue for a turn | the same | `next_at` within the longest wait |
//!
//! A write that was applied but whose answer was lost is made again by the SDK, and moves `next_at` on twice: one turn goes unused,
//! which is slower than need be, and never less polite.

use std::time::Duration;

use table::{Clock, Condition, Item, Key, Table, TableError, Update};

/// How long an item outlives its last turn. DynamoDB's TTL then removes it; nothing depends on when.
const KEPT: Duration = Duration::from_hours(1);

/// Hands out turns at hosts.
#[derive(Clone, Debug)]
pub(crate) struct HostGate {
    limits: Table,
    clock: Clock,
    interval: Duration,
    max_wait: Duration,
}

/// Why there is no turn.
#[derive(Debug)]
pub(crate) enum NoTurn {
    /// The next turn is further away than the longest wait.
    Busy { max_wait: Duration },
    /// The table failed.
    Table(TableError),
}

impl HostGate {
    pub(crate) const fn new(limits: Table, clock: Clock, interval: Duration, max_wait: Duration) -> Self {
        Self { limits, clock, interval, max_wait }
    }

    /// Waits for this request's turn at `host` (with its port), and gives how long that took. Turns are an interval apart, or
    /// `crawl_delay` where the site asks for more.
    pub(crate) async fn wait(&self, host: &str, crawl_delay: Option<Duration>) -> Result<Duration, NoTurn> {
        if self.interval.is_zero() {
            return Ok(Duration::ZERO);
        }
        let started = tokio::time::Instant::now();
        let pause = self.reserve(host, self.interval.max(crawl_delay.unwrap_or_default())).await?;
        tokio::time::sleep(pause).await;
        Ok(started.elapsed())
    }

    /// Reserves a turn, and gives how far away it is.
    async fn reserve(&self, host: &str, interval: Duration) -> Result<Duration, NoTurn> {
        let key = Key::new(format!("HOST#{host}"), "SLOT");
        let now = self.clock.now();
        let expires_at = now.after(self.max_wait + interval + KEPT).epoch_seconds();

        let free = Condition::Any(vec![Condition::Absent("next_at"), Condition::at_most("next_at", now)]);
        let take = Update::new().set("next_at", now.after(interval)).set("expires_at", expires_at).when(free);
        match self.limits.update(&key, take).await {
            Ok(_) => return Ok(Duration::ZERO),
            Err(TableError::ConditionFailed(_)) => {}
            Err(error) => return Err(NoTurn::Table(error)),
        }

        let interval_millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        let near = Condition::at_most("next_at", now.after(self.max_wait));
        let queue = Update::new().add("next_at", interval_millis).set("expires_at", expires_at).when(near);
        match self.limits.update(&key, queue).await {
            Ok(item) => {
                let turn = next_at(&item)?.saturating_sub(interval_millis.unsigned_abs());
                Ok(Duration::from_millis(turn.saturating_sub(now.0)))
            }
            Err(TableError::ConditionFailed(_)) => Err(NoTurn::Busy { max_wait: self.max_wait }),
            Err(error) => Err(NoTurn::Table(error)),
        }
    }
}

fn next_at(item: &Item) -> Result<u64, NoTurn> {
    let next_at = item.get("next_at").and_then(|value| value.as_n().ok()?.parse().ok());
    next_at.ok_or_else(|| NoTurn::Table(TableError::Broken("a host's turn has no time".to_owned())))
}

#[cfg(test)]
mod tests {
    use table::Millis;
    use table::testing::fresh_table;
    use tokio::task::JoinSet;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: Millis = Millis(1_700_000_000_000);

    #[tokio::test]
    #[ignore = "needs the DynamoDB of a local cloud"]
    async fn racing_requests_get_turns_an_interval_apart_until_the_wait_is_too_long() {
        let gate = HostGate::new(fresh_table("limits").await.unwrap(), Clock::fake(START), SECOND, 20 * SECOND);
        let racing = (0..32).map(|_| gate.clone()).map(async |gate| gate.reserve("a.example:80", SECOND).await);
        let turns = racing.collect::<JoinSet<_>>().join_all().await;
        let mut waits: Vec<_> = turns.iter().filter_map(|turn| turn.as_ref().ok()).map(Duration::as_secs).collect();
        waits.sort_unstable();
        assert_eq!(waits, (0..=20).collect::<Vec<_>>());
        let busy =
            turns.iter().filter(|turn| matches!(turn, Err(NoTurn::Busy { max_wait }) if *max_wait == 20 * SECOND));
        assert_eq!(busy.count(), 11);
    }

    #[tokio::test]
    #[ignore = "needs the DynamoDB of a local cloud"]
    async fn a_host_is_free_again_when_its_turns_have_passed() {
        let clock = Clock::fake(START);
        let gate = HostGate::new(fresh_table("limits").await.unwrap(), clock.clone(), SECOND, 5 * SECOND);
        let mut waits = Vec::new();
        for (host, interval, pause) in [
            ("a.example:80", SECOND, 0),
            ("a.example:80", SECOND, 0),
            ("a.example:443", SECOND, 0),
            // A crawl delay: the turn after this one is three seconds later.
            ("a.example:80", 3 * SECOND, 500),
            ("a.example:80", SECOND, 0),
            ("a.example:80", SECOND, 60_000),
        ] {
            clock.advance(Duration::from_millis(pause));
            waits.push(gate.reserve(host, interval).await.unwrap().as_millis());
        }
        assert_eq!(waits, [0, 1_000, 0, 1_500, 4_500, 0]);
    }
}
