//! Jobs that rest until the next part of their work is due: by whom they are found then, and how that part begins.
//!
//! One that rests lies in a partition of its own of the index `due`, where the scheduler looks and not recovery. When its time has come it joins the
//! line of its group, by one conditional write: from then on it is a job that waits, as any other, and its message may be lost as any other's.

use std::time::Duration;

use table::{Condition, Key, Millis, TableError, Update, decode};

use crate::desk::Jobs;
use crate::due::{Due, DueItem};
use crate::owner::Snapshot;
use crate::policy::Policy;
use crate::queue::Hint;
use crate::record::Status;
use crate::start::{Recurring, Start, Started};

impl Jobs {
    /// Starts the next part of the jobs that have rested until now, each once, until `until`. See [`Due::start`].
    pub async fn start_rested(&self, until: Millis) -> Result<Started, TableError> {
        let Self { kind, table, queue, clock, policy, .. } = self;
        Due { kind: &resting(kind), table, queue, clock, policy }.start(self, until).await
    }

    /// Gives one to recovery that does not rest: a worker of the release before has claimed it past the scheduler, and died.
    async fn leave_to_recovery(&self, item: &DueItem) -> Result<(), TableError> {
        let leave = as_read(self.kind, item).set("job_kind", self.kind).when(Condition::equal("status", RUNNING));
        match self.table.update(&item.key, leave).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

const RUNNING: &str = Status::Running.as_str();

/// The index tells all that starting them takes: it is less than to read each, and what it is behind by, the condition knows.
impl Recurring for Jobs {
    type Item = DueItem;

    async fn read(&self, due: Vec<DueItem>) -> Result<Vec<DueItem>, TableError> {
        Ok(due)
    }

    fn key(item: &DueItem) -> &Key {
        &item.key
    }

    fn group(item: &DueItem) -> String {
        item.key.sk.clone()
    }

    async fn start(&self, item: &DueItem, delay: Duration) -> Result<Start, TableError> {
        let begin = begin(self.kind, item, self.clock.now(), delay, &self.policy);
        match self.table.update(&item.key, begin).await {
            Ok(_) => Ok(Start::Started(Hint::waits(item.key.clone()))),
            Err(TableError::ConditionFailed(told)) => {
                let refused = self.table.refused(&item.key, told).await?.unwrap_or_default();
                if decode::<Snapshot>(refused).is_ok_and(|job| job.status == Status::Running) {
                    self.leave_to_recovery(item).await?;
                }
                Ok(Start::Lost)
            }
            Err(error) => Err(error),
        }
    }
}

/// Where in the index `due` jobs of `kind` are that rest.
pub(crate) fn resting(kind: &str) -> String {
    format!("{kind}-resting")
}

/// It joins the line, on condition that it rests until the moment that was read.
fn begin(kind: &str, item: &DueItem, now: Millis, delay: Duration, policy: &Policy) -> Update {
    as_read(kind, item)
        .set("job_kind", kind)
        .copy("turn", "place")
        .set("redeliver_at", now.after(delay + policy.redelivery_pause(0)))
        .set("redeliveries", 0_u64)
        .when(Condition::equal("status", Status::Pending.as_str()))
        .when(Condition::Absent("turn"))
}

fn as_read(kind: &str, item: &DueItem) -> Update {
    Update::new().when(Condition::equal("job_kind", resting(kind))).when(Condition::equal("redeliver_at", item.due_at))
}

#[cfg(test)]
mod tests {
    use table::{Item, Value};

    use super::*;

    const DUE: Millis = Millis(1_700_000_000_000);
    const NOW: Millis = Millis(DUE.0 + 60 * 60_000);

    #[test]
    fn one_that_rests_begins_once_however_late() {
        let (item, policy) = (due_item(), Policy::with_lease(Duration::from_mins(1)));
        let begin = || begin("kind", &item, NOW, Duration::from_secs(7), &policy);
        let waiting = with(stored("pending", "kind", Millis(NOW.0 + 67_000)), "turn");
        let mut stored = stored("pending", "kind-resting", DUE);
        assert!(begin().apply(&mut stored));
        assert_eq!(stored, waiting);
        assert!(!begin().apply(&mut stored), "another scheduler that has read the same");
    }

    #[test]
    fn nothing_else_begins() {
        let (item, policy) = (due_item(), Policy::with_lease(Duration::from_mins(1)));
        for other in [
            Item::new(),
            stored("pending", "kind-resting", NOW),
            stored("pending", "kind", DUE),
            stored("running", "kind-resting", DUE),
            stored("cancelled", "kind-resting", DUE),
            with(stored("pending", "kind-resting", DUE), "turn"),
        ] {
            let mut after = other.clone();
            assert!(!begin("kind", &item, NOW, Duration::ZERO, &policy).apply(&mut after), "{other:?}");
            assert_eq!(after, other);
        }
    }

    fn due_item() -> DueItem {
        DueItem { key: Key::new("p", "s"), due_at: DUE, redeliveries: 0 }
    }

    fn stored(status: &str, kind: &str, due: Millis) -> Item {
        let values: [(&'static str, Value); 5] = [
            ("status", status.into()),
            ("job_kind", kind.into()),
            ("redeliver_at", due.into()),
            ("redeliveries", 0_u64.into()),
            ("place", "250#1".into()),
        ];
        let set = values.into_iter().fold(Update::new(), |update, (name, value)| update.set(name, value));
        let mut item = Item::new();
        assert!(set.apply(&mut item));
        item
    }

    fn with(mut item: Item, attribute: &'static str) -> Item {
        assert!(Update::new().copy(attribute, "place").apply(&mut item));
        item
    }
}
