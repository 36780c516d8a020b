//! Claiming any item of a pool: about one request each, whatever the size of the pool and however many callers.
//!
//! A page of claimable items is read from an index that is sorted by `claimable_at`, so the one that has been free longest comes first. The
//! page is kept in the warm function as hints (`hints.rs`): a hint is never trusted, only tried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use table::{Condition, Item, Key, Millis, Query, Table, TableError, Update, Value};

use crate::effects::{Claim, claim};
use crate::hints::Hints;
use crate::state::Lease;

/// How many pages are read for one claim.
const READS: usize = 4;
/// How many pools a warm function remembers.
const REMEMBERED: usize = 1_000;

/// A pool: a partition of an index whose sort key is `claimable_at`, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    index: &'static str,
    partition: Condition,
    only: Option<Condition>,
}

impl Pool {
    /// All items whose `attribute`, the partition key of `index`, has this value.
    #[must_use]
    pub fn new(index: &'static str, attribute: &'static str, value: impl Into<Value>) -> Self {
        Self { index, partition: Condition::equal(attribute, value), only: None }
    }

    /// Only those for which this holds, too. What does not is read, and paid for, as well.
    #[must_use]
    pub fn only(self, condition: Condition) -> Self {
        Self { only: Some(condition), ..self }
    }

    /// Finds what may be claimed at `now`, that first which has been free longest.
    #[must_use]
    pub fn claimable(&self, now: Millis) -> Query {
        let claimable = Condition::All(vec![self.partition.clone(), Condition::at_most("claimable_at", now)]);
        Query::new(claimable).index(self.index).only(self.only.clone())
    }

    /// A name that tells it from other pools.
    fn name(&self) -> String {
        format!("{self:?}")
    }
}

/// The pools of one table.
#[derive(Clone, Debug)]
pub struct Pools {
    table: Table,
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
    /// The pools of `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, lane: fastrand::u32(..), hints: Arc::default() }
    }

    /// Claims an item of `pool`, roughly the one that has been free longest; none if there is none to be had.
    pub async fn claim_any(
        &self,
        pool: &Pool,
        wish: Wish<'_>,
        also: &Update,
    ) -> Result<Option<(Key, Lease, Item)>, TableError> {
        let name = pool.name();
        let mut reads = 0;
        loop {
            let Some(key) = self.with_hints(&name, |hints| hints.draw(wish.now)) else {
                if reads == READS || !self.read_page(pool, &name, wish.now).await? {
                    return Ok(None);
                }
                reads += 1;
                continue;
            };
            match claim(&self.table, &key, wish.now, wish.owner, wish.duration, also.clone()).await? {
                Claim::Granted(lease, item) => return Ok(Some((key, lease, item))),
                Claim::Refused(_) => self.with_hints(&name, Hints::lose),
            }
        }
    }

    /// Reads a page of hints; false if there is nothing to claim.
    async fn read_page(&self, pool: &Pool, name: &str, now: Millis) -> Result<bool, TableError> {
        let width = self.with_hints(name, |hints| hints.width());
        let (mut keys, mut next) = (Vec::new(), None);
        // Where only a part of the pool counts, a page may have nothing of it.
        for _ in 0..READS {
            let page = self.table.query::<Hinted>(pool.claimable(now).limit(width).start(next)).await?;
            keys.extend(page.items.into_iter().map(|hinted| hinted.key));
            next = page.next;
            if !keys.is_empty() || next.is_none() {
                break;
            }
        }
        let found = !keys.is_empty();
        self.with_hints(name, |hints| hints.refill(keys, now));
        Ok(found)
    }

    fn with_hints<T>(&self, pool: &str, act: impl FnOnce(&mut Hints) -> T) -> T {
        let mut all = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(pool) {
            all.clear();
        }
        act(all.entry(pool.to_owned()).or_insert_with(|| Hints::new(self.lane)))
    }
}
