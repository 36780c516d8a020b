//! Deleting the hours in which nobody waits any more: those that are over, and add up to nothing.
//!
//! Each process does so when it first counts in an hour. An hour's items are deleted by one transaction, on condition that none of them was written to
//! since they were read: so what comes late is not lost, and an hour is there or not as a whole.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use table::{Condition, Item, Key, Millis, Query, TableError, Transaction, decode};

use crate::delta::{begin_of, minute};
use crate::kind::Kind;
use crate::standing::number;
use crate::store::Tallies;
use crate::writes::{HOUR, WAITING, since, time_of};

/// How many items are read at a time: more are read the next hour.
const PAGE: u32 = 1_000;

impl Tallies {
    /// Deletes what nobody waits in, if this process has not done so in this hour. A failure does no harm but to the price of reading.
    pub(crate) async fn tidy_now_and_then(&self) {
        let hour = minute(self.clock.now()) / HOUR;
        if self.tidied.swap(hour, Ordering::Relaxed) == hour {
            return;
        }
        match self.tidy(begin_of(hour * HOUR)).await {
            Ok(deleted) => tracing::info!(deleted, "deleted hours in which nobody waits"),
            Err(error) => tracing::warn!(%error, "hours in which nobody waits were not deleted"),
        }
    }

    /// Deletes the hours before this one in which nobody waits, and gives how many that were.
    pub(crate) async fn tidy(&self, before: Millis) -> Result<usize, TableError> {
        let hours = Condition::All(vec![Condition::equal("pk", WAITING), Condition::at_most("sk", before.to_string())]);
        let items = self.table.query_items(Query::new(hours).consistent().limit(PAGE)).await?.items;
        let mut deleted = 0;
        for lanes in empty_hours(items) {
            let mut deletion = Transaction::new();
            for lane in lanes {
                let as_read = Condition::equal("writes", number(&lane, "writes").unwrap_or(0));
                deletion = deletion.delete(&self.table, &decode::<Key>(lane)?, &as_read)?;
            }
            match deletion.commit(&self.table).await {
                Ok(()) => deleted += 1,
                // Written to since, or deleted by another.
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }
}

/// The items of the hours that add up to nothing, by hour and kind.
pub(crate) fn empty_hours(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut hours: BTreeMap<(Millis, Kind), Vec<Item>> = BTreeMap::new();
    for item in items {
        if let Some(hour) = time_of(&item) {
            hours.entry(hour).or_default().push(item);
        }
    }
    let is_empty = |lanes: &Vec<Item>| {
        let sums = lanes.iter().map(since).fold([0; HOUR as usize], |mut sums, lane| {
            sums.iter_mut().zip(lane).for_each(|(sum, more)| *sum += more);
            sums
        });
        sums.iter().all(|sum| *sum == 0)
    };
    hours.into_values().filter(is_empty).collect()
}
