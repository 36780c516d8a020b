//! The line of a group: which of its jobs waits first, who is woken when a slot becomes free, and how slots come back that were lost.
//!
//! A group is a partition of the table. Its waiting jobs have a `turn`, the sort key of a sparse local index: so the best one is found by one
//! small query that sees every write before it, whatever else the partition holds. A job that rests has no turn until its rest is over.
//!
//! No wake-up is lost. A worker drops a hint when nothing waits, or when it was refused a slot. It is refused by the item that has the slots, at a
//! moment when each of them is held; whoever gives one of them back afterwards asks the line after that, and so sees whatever waited when the
//! hint was dropped. What dies between giving back and asking, or loses its message, is what `recovery` is for: each waiting job stays in the
//! `due` index. And where a holder was ended by what knows of no slots, the refused worker counts what runs, and takes up what was lost.

use std::time::Duration;

use serde::Deserialize;
use table::{Condition, Key, Query, TableError};

use crate::desk::Jobs;
use crate::queue::Hint;
use crate::record::Status;
use crate::slots::Slots;

/// A job that waits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Waiting {
    #[serde(flatten)]
    pub key: Key,
}

impl Jobs {
    /// The first of those that wait, in their order.
    pub(crate) async fn line(&self, group: &str, limit: u32) -> Result<Vec<Waiting>, TableError> {
        let waiting = Query::new(Condition::equal("pk", group)).index("by_turn").consistent().limit(limit);
        Ok(self.table.query(waiting).await?.items)
    }

    /// Sends hints for the first `slots` of those that wait, after so many slots of their group became free. That nobody could be woken is no
    /// reason for what freed the slots to fail: recovery finds those that wait.
    pub async fn wake(&self, group: &str, slots: u32) {
        if slots == 0 {
            return;
        }
        match self.line(group, slots).await {
            Ok(waiting) => match waiting.as_slice() {
                [] => {}
                [one] => self.queue.hint(&Hint::waits(one.key.clone()), Duration::ZERO).await,
                many => {
                    let hints: Vec<_> = many.iter().map(|waiting| Hint::waits(waiting.key.clone())).collect();
                    self.queue.hint_all(&hints).await;
                }
            },
            Err(error) => tracing::warn!(%error, group, "nobody was woken; recovery will find who waits"),
        }
    }

    /// Counts what runs of a group whose slots were all taken as they were read, and brings back those that nobody holds. True if one may be free.
    pub(crate) async fn heal(&self, group: &str, owner: &Key, read: Slots) -> Result<bool, TableError> {
        let Ok(taken) = u32::try_from(read.taken()) else { return Ok(false) };
        if taken == 0 {
            return Ok(false);
        }
        let running = Condition::equal("status", Status::Running.as_str());
        let running = Query::new(Condition::All(vec![Condition::equal("pk", group), running]));
        let running = self.table.query::<Waiting>(running.index("by_status").consistent().limit(taken)).await?;
        let running = i64::try_from(running.items.len()).unwrap_or(i64::MAX);
        let Some(repair) = read.repair(running) else { return Ok(false) };
        match self.table.update(owner, repair).await {
            Ok(_) => {
                tracing::warn!(group, taken, running, "slots were lost, and are back");
                let others = u32::try_from(read.slots - running - 1).unwrap_or(0);
                self.wake(group, others).await;
                Ok(read.slots > running)
            }
            // Slots were moved meanwhile: so there is somebody to wake who waits.
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
