//! Tasks: which there are, and what may be done: to be locked, kept, given back, reported on, cancelled and taken up again. Each change is one conditional
//! write.

use std::time::Duration;

use lease::{Available, Claim, Holder, Pool, Pools, Wish, carries, claim, rules};
use table::{Condition, Item, Key, Millis, Page, TableError, Update, Value, decode, new_nonce};
use thiserror::Error;

use crate::records::{Kind, Listing, Order, Part, Records};
use crate::reports::{Refusal, Report, Verdict};
use crate::task::{Task, TaskStatus};

/// How long a lock lasts unless its worker says otherwise (RULINGS.md, "worker-api").
pub const USUAL_LOCK: Duration = Duration::from_mins(30);
/// How often a change is tried again that another writer got in the way of.
const TRIES: usize = 4;
/// How many pages of an index are read for one listing that is filtered.
const READS: usize = 10;

/// Which of the tasks that are due, or are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this type.
    pub task_type: Option<String>,
    /// Those of this campaign.
    pub campaign_id: Option<u64>,
}

/// Which tasks are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    /// All, the newest first.
    #[default]
    All,
    /// Those that have not ended: the one that may be locked soonest first, or could be for longest.
    Open(Filter),
    /// Those that ended badly, the last first.
    Failed(Filter),
}

/// Who says so, of a task that is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Whoever holds it.
    Anyone,
    /// The worker of this name.
    Worker(String),
    /// The holder of this fencing token.
    Token(u64),
}

impl Holding {
    fn holder(&self) -> Option<Holder<'_>> {
        match self {
            Self::Anyone => None,
            Self::Worker(name) => Some(Holder::Owner(name)),
            Self::Token(token) => Some(Holder::Token(*token)),
        }
    }
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum TaskError {
    /// There is no such task.
    #[error("no such task")]
    Missing,
    /// Where it stands does not allow it.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The tasks of the table `worker`.
#[derive(Clone, Debug)]
pub struct Tasks {
    records: Records,
    pools: Pools,
}

impl Tasks {
    /// Those among `records`.
    #[must_use]
    pub fn new(records: Records) -> Self {
        Self { pools: Pools::new(records.table.clone()), records }
    }

    /// Up to `limit` tasks that may be locked now, the one that has been due longest first.
    pub async fn pending(&self, filter: &Filter, limit: usize) -> Result<Vec<Task>, TableError> {
        let now = self.records.clock.now();
        let pool = filter.pool();
        let (mut keys, mut next): (Vec<Key>, Option<Item>) = (Vec::new(), None);
        for _ in 0..READS {
            let query = pool.claimable(now).limit(u32::try_from(limit).unwrap_or(u32::MAX)).start(next);
            let page: Page<Key> = self.records.table.query(query).await?;
            keys.extend(page.items);
            next = page.next;
            if next.is_none() || keys.len() >= limit {
                break;
            }
        }
        keys.truncate(limit);
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // The index may be some moments old: what it names is shown as it is.
        let tasks: Vec<Task> = self.records.table.get_many(&keys).await?;
        Ok(tasks.into_iter().filter(|task| task.is_due(now)).collect())
    }

    /// A page of tasks. None if `after` is no cursor of ours.
    pub async fn list(
        &self,
        listed: &Listed,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<Task>>, TableError> {
        let listing = match listed.part() {
            None => self.records.list(Kind::Task, limit, after).await?,
            Some(part) => self.records.page::<Task>(Kind::Task, &part, limit, after).await?,
        };
        Ok(listing.map(|mut listing| {
            listing.records.retain(|task| listed.holds(task));
            listing
        }))
    }

    /// Locks a task for `worker`, or keeps it locked.
    pub async fn lock(&self, id: u64, worker: &str, duration: Duration) -> Result<Task, TaskError> {
        let key = Kind::Task.key(id);
        for _ in 0..TRIES {
            let now = self.records.clock.now();
            let found = match claim(&self.records.table, &key, now, worker, duration, locked(now)).await? {
                Claim::Granted(_, item) => return Ok(decode(item)?),
                Claim::Refused(None) => return Err(TaskError::Missing),
                Claim::Refused(Some(item)) => decode::<Task>(item)?,
            };
            match found.locked_by(now) {
                Some(holder) if holder == worker => {
                    if let Some(task) = self.extend(&found, duration, now).await? {
                        return Ok(task);
                    }
                }
                Some(_) => return Err(TaskError::Refused(Refusal::LockedByAnother)),
                None if found.status.is_final() => return Err(TaskError::Refused(Refusal::Ended)),
                None if found.lease.claimable_at.is_some_and(|due| due > now) => {
                    return Err(TaskError::Refused(Refusal::Resting));
                }
                // It came free a moment ago.
                None => {}
            }
        }
        Err(busy())
    }

    /// Locks any task that may be locked; none if there is none.
    pub async fn claim(&self, filter: &Filter, worker: &str, duration: Duration) -> Result<Option<Task>, TableError> {
        let now = self.records.clock.now();
        let wish = Wish { now, owner: worker, duration };
        let Some((_, _, item)) = self.pools.claim_any(&filter.pool(), wish, &locked(now)).await? else {
            return Ok(None);
        };
        decode(item).map(Some)
    }

    /// Keeps a task locked for `duration` from now.
    pub async fn keep(&self, id: u64, holding: &Holding, duration: Duration) -> Result<Task, TaskError> {
        for _ in 0..TRIES {
            let now = self.records.clock.now();
            let task = self.find(id).await?;
            task.held_by(holding.holder()).map_err(TaskError::Refused)?;
            if let Some(task) = self.extend(&task, duration, now).await? {
                return Ok(task);
            }
        }
        Err(busy())
    }

    /// Makes a lock last until `duration` from now, unless it lasts longer. None if the task has changed meanwhile.
    async fn extend(&self, task: &Task, duration: Duration, now: Millis) -> Result<Option<Task>, TableError> {
        let until = now.after(duration);
        if task.lease.claimable_at.is_some_and(|end| end >= until) {
            return Ok(Some(task.clone()));
        }
        let renewal = rules::renew(task.lease.lease_token, until)
            .set("updated_at", now)
            .set("status", TaskStatus::Running.as_str());
        match self.records.table.update(&task.key, renewal).await {
            Ok(item) => decode(item).map(Some),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a task back, to be claimed at once. One that nobody has locked stays as it is.
    pub async fn unlock(&self, id: u64, holding: &Holding) -> Result<(), TaskError> {
        for _ in 0..TRIES {
            let now = self.records.clock.now();
            let task = self.find(id).await?;
            if task.locked_by(now).is_none() {
                return Ok(());
            }
            task.held_by(holding.holder()).map_err(TaskError::Refused)?;
            let release = rules::release(task.lease.lease_token, Available::From(now), &new_nonce())
                .set("status", TaskStatus::Pending.as_str())
                .set("updated_at", now)
                .remove("locked_at");
            match self.records.table.update(&task.key, release).await {
                Ok(_) => return Ok(()),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(busy())
    }

    /// Takes a report on a task, and ends its lock. The same report again is answered alike.
    pub async fn report(&self, id: u64, holding: &Holding, report: &Report) -> Result<(), TaskError> {
        let key = Kind::Task.key(id);
        // One write for what mostly comes: the holder's own word that its task has ended.
        let at_once = holding.holder().and_then(|holder| report.at_once(holder, self.records.clock.now()));
        if let Some(ending) = at_once {
            match self.records.table.update(&key, ending).await {
                Ok(_) => return Ok(()),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for _ in 0..TRIES {
            let task = self.find(id).await?;
            match report.on(&task, holding.holder(), self.records.clock.now(), fastrand::f64()) {
                Verdict::Taken => return Ok(()),
                Verdict::Refused(refusal) => return Err(TaskError::Refused(refusal)),
                Verdict::Write(ending) => match self.records.table.update(&key, ending).await {
                    Ok(_) => return Ok(()),
                    Err(TableError::ConditionFailed(_)) => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Err(busy())
    }

    /// Ends a task that has not ended, for good and whoever has locked it, and says why. What its worker reports from now on is refused.
    pub async fn cancel(&self, id: u64, why: &str) -> Result<(), TaskError> {
        let now = self.records.clock.now();
        self.change(id, |nonce| cancelled(why, now, nonce), Refusal::Ended).await
    }

    /// Takes a task up again that ended badly: it may be locked at once, and has all its retries before it.
    pub async fn retry(&self, id: u64) -> Result<(), TaskError> {
        let now = self.records.clock.now();
        self.change(id, |nonce| taken_up(now, nonce), Refusal::NotFailed).await
    }

    /// Changes a task by a nonce, if it stands as the change wants it.
    async fn change(&self, id: u64, change: impl FnOnce(&str) -> Update, otherwise: Refusal) -> Result<(), TaskError> {
        let (table, key, nonce) = (&self.records.table, Kind::Task.key(id), new_nonce());
        match table.update(&key, change(&nonce)).await {
            Ok(_) => Ok(()),
            Err(TableError::ConditionFailed(told)) => match table.refused(&key, told).await? {
                None => Err(TaskError::Missing),
                Some(task) if carries(&task, &nonce) => Ok(()),
                Some(_) => Err(TaskError::Refused(otherwise)),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, id: u64) -> Result<Task, TaskError> {
        self.records.find(Kind::Task, id).await?.ok_or(TaskError::Missing)
    }
}

impl Filter {
    /// Which index has these tasks by `claimable_at`, in which partition, and by what else they are told in it.
    fn place(&self) -> (&'static str, (&'static str, Value), Option<Condition>) {
        let task_type = self.task_type.as_deref();
        match (self.campaign_id, task_type) {
            (None, None) => ("claimable", ("kind", Kind::Task.as_str().into()), None),
            (None, Some(task_type)) => ("claimable_of_type", ("type", task_type.into()), None),
            (Some(campaign), _) => {
                let only = task_type.map(|task_type| Condition::equal("type", task_type));
                ("claimable_of_campaign", ("campaign_id", campaign.into()), only)
            }
        }
    }

    /// The part of an index that has these tasks, those that are due first.
    fn pool(&self) -> Pool {
        let (index, (attribute, value), only) = self.place();
        let pool = Pool::new(index, attribute, value);
        match only {
            Some(condition) => pool.only(condition),
            None => pool,
        }
    }
}

impl Listed {
    /// The part of an index that has these tasks; none of all.
    fn part(&self) -> Option<Part> {
        match self {
            Self::All => None,
            Self::Open(filter) => {
                let (index, of, only) = filter.place();
                Some(Part { index, of, order: Order::Open, only })
            }
            Self::Failed(Filter { task_type, campaign_id }) => {
                let campaign = campaign_id.map(|campaign| Condition::equal("campaign_id", campaign));
                let task_type = task_type.as_deref().map(|task_type| Condition::equal("type", task_type));
                let only: Vec<_> = campaign.into_iter().chain(task_type).collect();
                let only = (!only.is_empty()).then_some(Condition::All(only));
                Some(Part { index: "failed", of: ("kind", Kind::Task.as_str().into()), order: Order::Failed, only })
            }
        }
    }

    /// Whether a task is one of these: the index may be some moments old.
    fn holds(&self, task: &Task) -> bool {
        match self {
            Self::All => true,
            Self::Open(_) => task.lease.claimable_at.is_some(),
            Self::Failed(_) => task.failed_at.is_some(),
        }
    }
}

impl Task {
    /// Whether it may be locked at `now`.
    fn is_due(&self, now: Millis) -> bool {
        self.lease.claimable_at.is_some_and(|due| due <= now)
    }
}

/// What a lock changes, beside the lease.
fn locked(now: Millis) -> Update {
    Update::new()
        .set("status", TaskStatus::Running.as_str())
        .set("locked_at", now)
        .set("updated_at", now)
        // Ended another lock: who loses this one must not be told that the same report has been taken.
        .remove("last_report")
}

/// What ends a task that has not ended, whoever has locked it.
fn cancelled(why: &str, now: Millis, nonce: &str) -> Update {
    rules::withdraw(nonce)
        .set("status", TaskStatus::Error.as_str())
        .set("last_error", why)
        .set("finished_at", now)
        .set("failed_at", now)
        .set("updated_at", now)
        .remove("locked_at")
}

/// What makes a task that ended badly be due again, as if it were new; but the report that ended it is still taken for that one if it comes again.
fn taken_up(now: Millis, nonce: &str) -> Update {
    let badly = [TaskStatus::Failed, TaskStatus::Error].map(|status| status.as_str().into());
    rules::offer(now, nonce)
        .set("status", TaskStatus::Pending.as_str())
        .set("retry_count", 0_u64)
        .set("updated_at", now)
        .remove("finished_at")
        .remove("failed_at")
        .remove("last_error")
        .remove("result")
        .when(Condition::OneOf("status", badly.to_vec()))
}

fn busy() -> TaskError {
    TableError::Unavailable("the task changes faster than it can be written".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use table::Item;

    use super::*;
    use crate::reports::Outcome;
    use crate::task::NewTask;

    const NOW: Millis = Millis(1_000_000);

    fn new() -> Item {
        let new: NewTask = input::form(&json!({"campaign_id": 1, "type": "comment"})).unwrap();
        serde_dynamo::to_item(new.at(7, Millis(0), Millis(0))).unwrap()
    }

    fn lock(item: &mut Item) -> bool {
        rules::claim(NOW, "w", Duration::from_mins(1), "nonce").and(locked(NOW)).apply(item)
    }

    fn cancel(item: &mut Item) -> bool {
        cancelled("no more", NOW, "mine").apply(item)
    }

    fn take_up(item: &mut Item) -> bool {
        taken_up(NOW, "mine").apply(item)
    }

    fn read(item: &Item) -> Task {
        decode(item.clone()).unwrap()
    }

    /// What becomes of a report of the worker that has, or had, the lock.
    fn report(item: &mut Item, outcome: Outcome) -> Result<(), Refusal> {
        let report = Report { outcome, result: None, error: Some("e".to_owned()) };
        match report.on(&read(item), Some(Holder::Owner("w")), NOW, 0.0) {
            Verdict::Write(ending) => {
                assert!(ending.apply(item));
                Ok(())
            }
            Verdict::Taken => Ok(()),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    #[test]
    fn what_has_not_ended_is_cancelled_once_and_nobody_has_it_then() {
        let waits = new();
        let mut locked = new();
        assert!(lock(&mut locked));
        for mut item in [waits, locked] {
            assert!(cancel(&mut item) && carries(&item, "mine"));
            let task = read(&item);
            assert_eq!((task.status, task.last_error.as_deref()), (TaskStatus::Error, Some("no more")));
            assert_eq!((task.lease.claimable_at, task.lease.lease_owner, task.locked_at), (None, None, None));
            assert_eq!((task.finished_at, task.failed_at), (Some(NOW), Some(NOW)));
            assert!(!lock(&mut item) && !cancel(&mut item));
            assert_eq!(report(&mut item, Outcome::Success), Err(Refusal::Ended));
        }
    }

    #[test]
    fn what_ended_badly_is_taken_up_and_nothing_else() {
        let mut item = new();
        assert!(!take_up(&mut item), "it waits");
        assert!(lock(&mut item));
        assert!(!take_up(&mut item), "it is locked");
        assert_eq!(report(&mut item, Outcome::Error), Ok(()));
        assert_eq!(read(&item).failed_at, Some(NOW));
        assert!(take_up(&mut item) && carries(&item, "mine"));
        let task = read(&item);
        assert_eq!((task.status, task.retry_count, task.last_error), (TaskStatus::Pending, 0, None));
        assert_eq!((task.lease.claimable_at, task.finished_at, task.failed_at), (Some(NOW), None, None));
        assert_eq!(report(&mut item, Outcome::Success), Err(Refusal::NotLocked), "who had it before is heard");
        assert!(lock(&mut item));
        assert_eq!(report(&mut item, Outcome::Success), Ok(()));
        assert_eq!(read(&item).failed_at, None);
        assert!(!take_up(&mut item), "it ended well");
    }

    #[test]
    fn a_report_that_comes_again_is_taken_whatever_an_operator_has_done_since() {
        for (outcome, act) in [(Outcome::Failed, cancel as fn(&mut Item) -> bool), (Outcome::Error, take_up)] {
            let mut item = new();
            assert!(lock(&mut item));
            assert_eq!(report(&mut item, outcome), Ok(()));
            assert!(act(&mut item));
            let before = item.clone();
            assert_eq!(report(&mut item, outcome), Ok(()));
            assert_eq!(item, before);
        }
    }
}
