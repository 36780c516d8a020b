//! Tasks: what may be done, to be locked, kept, given back and reported on. Each change is one conditional write.

use std::time::Duration;

use lease::{Available, Claim, Holder, Pool, Pools, Wish, claim, rules};
use table::{Condition, Item, Key, Millis, Page, TableError, Update, decode, new_nonce};
use thiserror::Error;

use crate::records::{Kind, Records};
use crate::reports::{Refusal, Report, Verdict};
use crate::task::{Task, TaskStatus};

/// How long a lock lasts unless its worker says otherwise (RULINGS.md, "worker-api").
pub const USUAL_LOCK: Duration = Duration::from_mins(30);
/// How often a change is tried again that another writer got in the way of.
const TRIES: usize = 4;
/// How many pages of an index are read for one listing that is filtered.
const READS: usize = 10;

/// Which of the tasks that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this type.
    pub task_type: Option<String>,
    /// Those of this campaign.
    pub campaign_id: Option<u64>,
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

    async fn find(&self, id: u64) -> Result<Task, TaskError> {
        self.records.find(Kind::Task, id).await?.ok_or(TaskError::Missing)
    }
}

impl Filter {
    /// The part of an index that has these tasks, those that are due first.
    fn pool(&self) -> Pool {
        match (self.campaign_id, &self.task_type) {
            (None, None) => Pool::new("claimable", "kind", Kind::Task.as_str()),
            (None, Some(task_type)) => Pool::new("claimable_of_type", "type", task_type.as_str()),
            (Some(campaign), None) => Pool::new("claimable_of_campaign", "campaign_id", campaign),
            (Some(campaign), Some(task_type)) => Pool::new("claimable_of_campaign", "campaign_id", campaign)
                .only(Condition::equal("type", task_type.as_str())),
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

fn busy() -> TaskError {
    TableError::Unavailable("the task changes faster than it can be written".to_owned()).into()
}
