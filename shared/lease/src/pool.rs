//! Claiming any item of a pool: about one request each, whatever the size of the pool and however many callers.
//!
//! A page of claimable items is read from an index that is sorted by `claimable_at`, so the one that has been free longest comes first. The
//! page is kept in the warm function as hints (`hints.rs`): a hint is never trusted, only tried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use table::{Condition, Item, Key, Millis, Query, Table, TableError, Update};

use crate::effects::{Claim, claim};
use crate::hints::Hints;
use crate::state::Lease;

/// How many pages are read for one claim.
const READS: usize = 4;

/// The pools of one table.
#[derive(Clone, Debug)]
pub struct Pools {
    table: Table,
    index: &'static str,
    partition: &'static str,
    /// Any number that other processes are unlikely to have.
    lane: u32,
    hints: Arc<Mutex<HashMap<String, Hints>>>,
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
        Self { table, index, partition, lane: fastrand::u32(..), hints: Arc::default() }
    }

    /// Claims an item of `pool`, roughly the one that has been free longest; none if there is none to be had.
    pub async fn claim_any(
        &self,
        pool: &str,
        wish: Wish<'_>,
        also: &Update,
    ) -> Result<Option<(Key, Lease, Item)>, TableError> {
        let mut reads = 0;
        loop {
            let Some(key) = self.with_hints(pool, |hints| hints.draw(wish.now)) else {
                if reads == READS || !self.read_page(pool, wish.now).await? {
                    return Ok(None);
                }
                reads += 1;
                continue;
            };
            match claim(&self.table, &key, wish.now, wish.owner, wish.duration, also.clone()).await? {
                Claim::Granted(lease, item) => return Ok(Some((key, lease, item))),
                Claim::Refused(_) => self.with_hints(pool, Hints::lose),
            }
        }
    }

    /// Reads a page of hints; false if there is nothing to claim.
    async fn read_page(&self, pool: &str, now: Millis) -> Result<bool, TableError> {
        let width = self.with_hints(pool, |hints| hints.width());
        let claimable =
            Condition::All(vec![Condition::equal(self.partition, pool), Condition::at_most("claimable_at", now)]);
        let page = self.table.query::<Hinted>(Query::new(claimable).index(self.index).limit(width)).await?;
        let keys: Vec<_> = page.items.into_iter().map(|hinted| hinted.key).collect();
        let found = !keys.is_empty();
        self.with_hints(pool, |hints| hints.refill(keys, now));
        Ok(found)
    }

    fn with_hints<T>(&self, pool: &str, act: impl FnOnce(&mut Hints) -> T) -> T {
        let mut all = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        act(all.entry(pool.to_owned()).or_insert_with(|| Hints::new(self.lane)))
    }
}
