//! Jobs that rest until the next part of their work is due: by whom they are found then, and how that part begins.
//!
//! One that rests lies in a partition of its own of the index `due`, where the scheduler looks and not recovery. When its time has come it joins the
//! line of its group, by one conditional write: from then on it is a job that waits, as any other, and its message may be lost as any other's.
//!
//! An operator may start it before its time ([`Jobs::rouse`]), or put it aside, where nobody finds it but who looks for it, until it is put back.

use std::time::Duration;

use table::{Condition, Key, Millis, TableError, Transaction, Update, decode};

use crate::beside::Elsewhere;
use crate::desk::Jobs;
use crate::due::{Due, DueItem};
use crate::owner::Snapshot;
use crate::policy::Policy;
use crate::queue::Hint;
use crate::record::Status;
use crate::start::{Recurring, Start, Started};

/// How often it is tried while the job changes.
const RACES: u32 = 5;

/// The answer to who would start a job that rests, put it aside or put it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is done.
    Done,
    /// The job does not rest, or is not put aside.
    NotSo,
    /// There is no such job.
    Missing,
}

impl Jobs {
    /// Starts the next part of the work of a job that rests now, in place of when it is due, together with a change of another table. Of several who
    /// do, and the scheduler, one does.
    pub async fn rouse(&self, key: &Key, elsewhere: &Elsewhere<'_>) -> Result<Moved, TableError> {
        let begin = |item: &DueItem| {
            let now = self.clock.now();
            begin(self.kind, item, now, Duration::ZERO, &self.policy).set("claimable_at", now)
        };
        let moved = Box::pin(self.moved(key, &resting(self.kind), begin, elsewhere)).await?;
        if moved == Moved::Done {
            self.queue.hint(&Hint::waits(key.clone()), Duration::ZERO).await;
        }
        Ok(moved)
    }

    /// Puts a job aside that rests, together with a change of another table: it is not started until it is put back.
    pub async fn put_aside(&self, key: &Key, elsewhere: &Elsewhere<'_>) -> Result<Moved, TableError> {
        Box::pin(self.moved(key, &resting(self.kind), |item| put_aside(self.kind, item), elsewhere)).await
    }

    /// Puts a job back that was put aside, together with a change of another table: it is due when it was, and, where that has passed, at once.
    pub async fn put_back(&self, key: &Key, elsewhere: &Elsewhere<'_>) -> Result<Moved, TableError> {
        let put_back = |item: &DueItem| put_back(self.kind, item, self.clock.now());
        Box::pin(self.moved(key, &paused(self.kind), put_back, elsewhere)).await
    }

    /// Makes a change of a job of the part `part` of the index `due`.
    async fn moved(
        &self,
        key: &Key,
        part: &str,
        change: impl Fn(&DueItem) -> Update,
        elsewhere: &Elsewhere<'_>,
    ) -> Result<Moved, TableError> {
        for _ in 0..RACES {
            let Some(item) = self.table.get_item(key, true).await? else { return Ok(Moved::Missing) };
            if !Condition::equal("job_kind", part).holds(&item) || !Condition::Exists("redeliver_at").holds(&item) {
                return Ok(Moved::NotSo);
            }
            let transaction = Transaction::new().update(&self.table, key, change(&decode(item)?))?;
            let transaction = transaction.update(elsewhere.table, &elsewhere.key, elsewhere.update.clone())?;
            match transaction.commit(&self.table).await {
                Ok(()) => return Ok(Moved::Done),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be moved".to_owned()))
    }

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

/// Where in the index `due` jobs of `kind` are that rest, and were put aside.
pub(crate) fn paused(kind: &str) -> String {
    format!("{kind}-paused")
}

/// It leaves the scheduler's part of the index. Without `claimable_at` no message that comes late makes it join the line either.
fn put_aside(kind: &str, item: &DueItem) -> Update {
    as_read(kind, item)
        .set("job_kind", paused(kind))
        .remove("claimable_at")
        .when(Condition::equal("status", Status::Pending.as_str()))
        .when(Condition::Absent("turn"))
}

/// It is the scheduler's again. Where it was due while it was aside it has not waited for a worker since: it is due now.
fn put_back(kind: &str, item: &DueItem, now: Millis) -> Update {
    let due = item.due_at.max(now);
    Update::new()
        .set("job_kind", resting(kind))
        .set("claimable_at", due)
        .set("redeliver_at", due)
        .when(Condition::equal("job_kind", paused(kind)))
        .when(Condition::equal("redeliver_at", item.due_at))
        .when(Condition::equal("status", Status::Pending.as_str()))
}

/// It joins the line, on condition that it rests until the moment that was read. What follows is of the trace of whoever has it begin.
fn begin(kind: &str, item: &DueItem, now: Millis, delay: Duration, policy: &Policy) -> Update {
    let begin = as_read(kind, item)
        .set("job_kind", kind)
        .copy("turn", "place")
        .set("redeliver_at", now.after(delay + policy.redelivery_pause(0)))
        .set("redeliveries", 0_u64)
        .when(Condition::equal("status", Status::Pending.as_str()))
        .when(Condition::Absent("turn"));
    match telemetry::current_trace() {
        Some(trace) => begin.set("trace", trace.as_str()),
        None => begin,
    }
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

    #[tokio::test]
    async fn what_begins_is_of_the_trace_of_whoever_has_it_begin() {
        const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
        let (item, policy) = (due_item(), Policy::with_lease(Duration::from_mins(1)));
        let begin = async { begin("kind", &item, NOW, Duration::ZERO, &policy) };
        let trace = telemetry::Trace::of(Some(&format!("Root={ID}")));
        let begin = telemetry::traced(trace, tracing::Span::none(), begin).await;
        let mut job = stored("pending", "kind-resting", DUE);
        assert!(Update::new().set("trace", "1-00000000-000000000000000000000000").apply(&mut job));
        assert!(begin.apply(&mut job));
        assert_eq!(job["trace"], table::AttributeValue::S(ID.to_owned()));
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

    #[test]
    fn one_that_is_put_aside_is_not_started_until_it_is_put_back() {
        let (item, policy) = (due_item(), Policy::with_lease(Duration::from_mins(1)));
        let resting = with_claimable(stored("pending", "kind-resting", DUE));
        let mut job = resting.clone();
        let before = DUE.before(Duration::from_mins(1));
        assert!(!put_back("kind", &item, before).apply(&mut job), "it is not aside");
        assert!(put_aside("kind", &item).apply(&mut job));
        assert_eq!(job, stored("pending", "kind-paused", DUE));
        assert!(!put_aside("kind", &item).apply(&mut job), "twice");
        assert!(!begin("kind", &item, NOW, Duration::ZERO, &policy).apply(&mut job), "it was started");
        assert!(put_back("kind", &item, before).apply(&mut job));
        assert_eq!(job, resting);
        assert!(begin("kind", &item, NOW, Duration::ZERO, &policy).apply(&mut job));
    }

    #[test]
    fn one_that_was_due_while_it_was_aside_waits_since_it_is_put_back() {
        let mut job = stored("pending", "kind-paused", DUE);
        assert!(put_back("kind", &due_item(), NOW).apply(&mut job));
        assert_eq!(job, with_claimable(stored("pending", "kind-resting", NOW)));
    }

    #[test]
    fn nothing_else_is_put_aside() {
        for other in [
            stored("pending", "kind", DUE),
            stored("pending", "kind-resting", NOW),
            stored("running", "kind-resting", DUE),
            with(stored("pending", "kind-resting", DUE), "turn"),
        ] {
            let mut after = other.clone();
            assert!(!put_aside("kind", &due_item()).apply(&mut after), "{other:?}");
            assert_eq!(after, other);
        }
    }

    fn with_claimable(mut item: Item) -> Item {
        assert!(Update::new().copy("claimable_at", "redeliver_at").apply(&mut item));
        item
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
