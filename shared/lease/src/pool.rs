//! Claiming any item of a pool: about one request each, whatever the size of the pool and however many callers.
//!
//! A page of claimable items is read from an index that is sorted by `claimable_at`, so the one that has been free longest comes first. The
//! page is kept in the warm function as hints, and they are tried in random order: a hint is never trusted, only tried. A lost try shows
//! that others draw from the same page: then pages become larger, and the callers spread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use table::{Condition, Item, Key, Millis, Query, Table, TableError, Update};

use crate::effects::{Claim, claim};
use crate::state::Lease;

/// The size of a page where nobody else is about.
const NARROW: u32 = 16;
/// The size of a page where many are.
const WIDE: u32 = 512;
/// How long hints are kept: so long, at most, the order in which items were freed may be disregarded.
const KEPT: Duration = Duration::from_secs(30);
/// How many pages are read for one claim.
const READS: usize = 4;
/// How many tries are lost before a page is given up as taken by others.
const LOSSES: usize = 3;

/// The pools of one table.
#[derive(Clone, Debug)]
pub struct Pools {
    table: Table,
    index: &'static str,
    partition: &'static str,
    hints: Arc<Mutex<HashMap<String, Hints>>>,
}

#[derive(Debug)]
struct Hints {
    keys: Vec<Key>,
    read_at: Millis,
    width: u32,
}

impl Default for Hints {
    fn default() -> Self {
        Self { keys: Vec::new(), read_at: Millis(0), width: NARROW }
    }
}

#[derive(Deserialize)]
struct Hinted {
    #[serde(flatten)]
    key: Key,
}

/// What is asked of a claim, whichever item it is.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'wish> {
    /// The time.
    pub now: Millis,
    /// Who claims.
    pub owner: &'wish str,
    /// For how long.
    pub duration: Duration,
}

impl Pools {
    /// The pools of `table`: `index` has the attribute `partition` as its partition key, and `claimable_at` as its sort key.
    #[must_use]
    pub fn new(table: Table, index: &'static str, partition: &'static str) -> Self {
        Self { table, index, partition, hints: Arc::default() }
    }

    /// Claims an item of `pool`, roughly the one that has been free longest; none if there is none to be had.
    pub async fn claim_any(
        &self,
        pool: &str,
        wish: Wish<'_>,
        also: &Update,
    ) -> Result<Option<(Key, Lease, Item)>, TableError> {
        let mut reads = 0;
        let mut losses = 0;
        loop {
            let Some(key) = self.draw(pool, wish.now) else {
                if reads == READS {
                    return Ok(None);
                }
                reads += 1;
                if self.read_page(pool, wish.now).await? == 0 {
                    return Ok(None);
                }
                continue;
            };
            match claim(&self.table, &key, wish.now, wish.owner, wish.duration, also.clone()).await? {
                Claim::Granted(lease, item) => return Ok(Some((key, lease, item))),
                Claim::Refused(_) => {
                    losses += 1;
                    self.spread(pool, losses % LOSSES == 0);
                }
            }
        }
    }

    /// Takes one of the hints, at random.
    fn draw(&self, pool: &str, now: Millis) -> Option<Key> {
        let mut all = self.all();
        let hints = all.get_mut(pool)?;
        if hints.read_at.after(KEPT) < now {
            // That others were about is as old as the hints: a wide page would disregard the order for nothing.
            *hints = Hints::default();
        }
        if hints.keys.is_empty() { None } else { Some(hints.keys.swap_remove(fastrand::usize(..hints.keys.len()))) }
    }

    async fn read_page(&self, pool: &str, now: Millis) -> Result<usize, TableError> {
        let width = self.all().entry(pool.to_owned()).or_default().width;
        let claimable =
            Condition::All(vec![Condition::equal(self.partition, pool), Condition::at_most("claimable_at", now)]);
        let page = self.table.query::<Hinted>(Query::new(claimable).index(self.index).limit(width)).await?;
        let keys: Vec<_> = page.items.into_iter().map(|hinted| hinted.key).collect();
        let found = keys.len();
        let mut all = self.all();
        let hints = all.entry(pool.to_owned()).or_default();
        // A page that was used up without a loss had nobody else about.
        hints.width = (width / 2).max(NARROW);
        hints.keys = keys;
        hints.read_at = now;
        Ok(found)
    }

    /// Widens the next page after a lost try; gives up this one if it is mostly taken.
    fn spread(&self, pool: &str, give_up: bool) {
        if let Some(hints) = self.all().get_mut(pool) {
            hints.width = (hints.width * 4).min(WIDE);
            if give_up {
                hints.keys.clear();
            }
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, Hints>> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
