//! Tasks, read and changed for their owner.

use jobs::{Cancelled, Elsewhere, Job, Jobs, NewJob, Results, ResultsError, Status, SubmitError, place};
use table::{Condition, Item, Key, Millis, TableError, Update, decode, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::account::CloudAccount;
use crate::accounts::Accounts;
use crate::input::{NewTask, TaskChange};
use crate::keys::{TASK_PREFIX, account_key, results_prefix, task_key};
use crate::kind::TaskType;
use crate::list::{ListError, TaskQuery, list};
use crate::task::Task;

/// How often a task is submitted that finds its account's period over.
const RENEWALS: u32 = 2;

/// How often a change of a task is tried that begins or waits again in the meantime.
const RACES: u32 = 10;

/// The tasks of all users.
#[derive(Clone, Debug)]
pub struct Tasks {
    jobs: Jobs,
    accounts: Accounts,
}

/// Why a task was not created.
#[derive(Debug, Error)]
pub enum CreateError {
    /// The account has too few compute units left.
    #[error("not enough compute units: {needed} needed, {available} available")]
    InsufficientUnits {
        /// What the task needs.
        needed: u64,
        /// What the account has.
        available: i64,
    },
    /// The account's plan does not run such tasks.
    #[error("the plan does not run {}", .0.as_str())]
    NotInPlan(TaskType),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Why a task was not changed or deleted.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// There is no such task of this user.
    #[error("no such task")]
    Missing,
    /// The task has ended.
    #[error("the task has ended")]
    Ended,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The object store failed.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

/// Why an account refused a task; none if all it wants is its next period.
fn refusal(account: Item, task: &Task, now: Millis) -> Option<CreateError> {
    let needed = task.job.units_reserved;
    let Ok(account) = decode::<CloudAccount>(account) else {
        return Some(CreateError::InsufficientUnits { needed, available: 0 });
    };
    if !account.period.plan.runs(task.config.task_type()) {
        return Some(CreateError::NotInPlan(task.config.task_type()));
    }
    let available = account.account.units_available.max(0);
    (!account.is_due(now)).then_some(CreateError::InsufficientUnits { needed, available })
}

/// When a task was submitted: its id tells. Of an id that is none of ours 0, which no task has.
fn submitted_at(id: Uuid) -> u64 {
    id.get_timestamp().map_or(0, |moment| {
        let (seconds, nanos) = moment.to_unix();
        seconds * 1_000 + u64::from(nanos / 1_000_000)
    })
}

/// What a user says of a task, changed.
fn described(change: &TaskChange, now: Millis) -> Update {
    let name = change.name.as_deref();
    Update::new()
        .set("updated_at", now)
        .set_given("name_key", name.map(str::to_lowercase))
        .set_given("name", name)
        .set_given("description", change.description.as_deref())
        .set_given("priority", change.priority.map(u64::from))
        .when(Status::is_open())
}

/// Another place among the waiting. Only a task that waits has a turn, which is its place.
fn moved(place: Option<&str>, waits: bool) -> Update {
    let Some(place) = place else { return Update::new() };
    let moved = Update::new().set("place", place);
    if waits { moved.set("turn", place).when(Condition::Exists("turn")) } else { moved.when(Condition::Absent("turn")) }
}

/// Holds while a task has ended as it had when it was read.
fn as_read(task: &Task) -> Condition {
    let (status, lease) = (task.job.status.as_str(), task.job.lease.lease_token);
    Condition::All(vec![Condition::equal("status", status), Condition::equal("lease_token", lease)])
}

fn changes_too_fast() -> UpdateError {
    TableError::Unavailable("the task begins and waits faster than it can be changed".to_owned()).into()
}

/// What a deletion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The task had not ended: it is cancelled, and kept.
    Cancelled,
    /// The task had ended: it is gone, with its results.
    Deleted,
}

impl Tasks {
    /// The tasks among these jobs.
    #[must_use]
    pub fn new(jobs: Jobs) -> Self {
        Self { accounts: Accounts::new(jobs.table.clone(), jobs.clock.clone()), jobs }
    }

    /// Submits a task of `user`, with its estimate reserved. If the account's period is over, the next one begins first.
    pub async fn create(&self, user: &str, new: NewTask) -> Result<Task, CreateError> {
        let now = self.jobs.clock.now();
        let id = new_id(now);
        let task = Task {
            key: task_key(user, id),
            job: Job::submitted(
                self.jobs.kind,
                now,
                new.config.estimate(),
                place(new.priority, now.0),
                &self.jobs.policy,
            ),
            account: account_key(user),
            id,
            user_id: user.to_owned(),
            name_key: new.name.to_lowercase(),
            name: new.name,
            description: new.description,
            config: new.config,
            priority: new.priority,
        };
        for _ in 0..RENEWALS {
            let may = CloudAccount::may_submit(task.config.task_type(), now);
            let new = NewJob {
                key: &task.key,
                item: &task,
                job: &task.job,
                account: &task.account,
                sort: task.config.task_type().as_str(),
                only_if: &may,
            };
            match self.jobs.submit(new).await {
                Ok(()) => return Ok(task),
                Err(SubmitError::Table(error)) => return Err(error.into()),
                Err(SubmitError::Beside) => {
                    return Err(TableError::Broken("nothing changes beside a task".to_owned()).into());
                }
                Err(SubmitError::Refused(account)) => match refusal(account, &task, now) {
                    Some(error) => return Err(error),
                    None => drop(self.accounts.renew(user).await?),
                },
            }
        }
        Err(TableError::Unavailable("the account's periods end faster than they begin".to_owned()).into())
    }

    /// Whether the user's plan runs tasks of this type.
    pub async fn may_run(&self, user: &str, task_type: TaskType) -> Result<bool, TableError> {
        let account = self.accounts.get(user).await?;
        Ok(account.is_some_and(|account| account.period.plan.runs(task_type)))
    }

    /// A user's task, with what its batches have done so far.
    pub async fn get(&self, user: &str, id: Uuid) -> Result<Option<Task>, TableError> {
        let mut task: Option<Task> = self.jobs.table.get(&task_key(user, id)).await?;
        self.jobs.add_children(task.iter_mut().map(|task| &mut task.job)).await?;
        Ok(task)
    }

    /// A page of a user's tasks, with what their batches have done so far, and whether there are more.
    pub async fn list(&self, user: &str, query: &TaskQuery) -> Result<(Vec<Task>, bool), ListError> {
        let (mut tasks, more) = list(&self.jobs.table, user, query).await?;
        self.jobs.add_children(tasks.iter_mut().map(|task| &mut task.job)).await?;
        Ok((tasks, more))
    }

    /// Changes what a user says of a task that has not ended. Another priority moves its place among those that wait.
    pub async fn update(&self, user: &str, id: Uuid, change: TaskChange) -> Result<Task, UpdateError> {
        let key = task_key(user, id);
        let place = change.priority.map(|priority| place(priority, submitted_at(id)));
        let mut waits = true;
        for _ in 0..RACES {
            let update = described(&change, self.jobs.clock.now()).and(moved(place.as_deref(), waits));
            match self.jobs.table.update(&key, update).await {
                Ok(item) => return Ok(decode(item)?),
                Err(TableError::ConditionFailed(told)) => match self.jobs.table.refused(&key, told).await? {
                    Some(task) if Status::is_open().holds(&task) => waits = Condition::Exists("turn").holds(&task),
                    Some(_) => return Err(UpdateError::Ended),
                    None => return Err(UpdateError::Missing),
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(changes_too_fast())
    }

    /// Cancels a task that has not ended, together with a change of another table. Of its batches it leaves nothing, nor of those of one that was cancelled
    /// before: where that was interrupted, cancelling again goes on.
    pub async fn cancel(
        &self,
        user: &str,
        id: Uuid,
        results: &Results,
        elsewhere: &Elsewhere<'_>,
    ) -> Result<Cancelled, UpdateError> {
        let key = task_key(user, id);
        let cancelled = self.jobs.cancel_with(&key, Some(elsewhere)).await?;
        let let_go = match &cancelled {
            Cancelled::Now { children } => children.clone(),
            Cancelled::AlreadyEnded => {
                let task: Option<Task> = self.jobs.table.get(&key).await?;
                task.filter(|task| task.job.status == Status::Cancelled).and_then(|task| task.job.children)
            }
            Cancelled::Missing => None,
        };
        if let Some(join) = let_go {
            self.clear_batches(user, id, &join, results).await?;
        }
        Ok(cancelled)
    }

    /// Deletes the batches of a task that has ended, and what they have made.
    async fn clear_batches(&self, user: &str, id: Uuid, join: &Key, results: &Results) -> Result<(), UpdateError> {
        // The batches first, so that no worker that ends one of them now takes its file for wanted.
        self.jobs.drop_children(join).await?;
        Ok(results.delete_all(&results_prefix(user, id)).await?)
    }

    /// Cancels a task that has not ended; deletes one that has, with its results. Of its batches neither leaves anything.
    ///
    /// The task goes last: if anything before that fails it is still there, and deleting it again goes on. One that is taken up again meanwhile is as any
    /// that has not ended.
    pub async fn delete(&self, user: &str, id: Uuid, results: &Results) -> Result<Deleted, UpdateError> {
        for _ in 0..RACES {
            match self.jobs.cancel(&task_key(user, id)).await? {
                Cancelled::Now { children } => {
                    if let Some(join) = children {
                        self.clear_batches(user, id, &join, results).await?;
                    }
                    return Ok(Deleted::Cancelled);
                }
                Cancelled::Missing => return Err(UpdateError::Missing),
                Cancelled::AlreadyEnded => {}
            }
            let Some(task) = self.get(user, id).await? else { return Err(UpdateError::Missing) };
            if task.job.status.is_final() && self.clear(&task, results).await? {
                return Ok(Deleted::Deleted);
            }
        }
        Err(changes_too_fast())
    }

    /// Deletes a task that failed up to a moment, with what is left of it; false if it is another's, or not so any more.
    pub async fn clean(&self, key: &Key, until: Millis, results: &Results) -> Result<bool, UpdateError> {
        let Some(task) = self.jobs.begin_cleaning(key, until).await? else { return Ok(false) };
        self.clear(&decode(task)?, results).await
    }

    /// Deletes a task, cancelled first if it has not ended, with what is left of it; false if there is none.
    pub async fn remove(&self, key: &Key, results: &Results) -> Result<bool, UpdateError> {
        if !key.sk.starts_with(TASK_PREFIX) {
            return Ok(false);
        }
        for _ in 0..RACES {
            if self.jobs.cancel(key).await? == Cancelled::Missing {
                return Ok(false);
            }
            let Some(task) = self.jobs.table.get::<Task>(key).await? else { return Ok(false) };
            if task.job.status.is_final() && self.clear(&task, results).await? {
                return Ok(true);
            }
        }
        Err(changes_too_fast())
    }

    /// Deletes a task that has ended, its files and its batches; false if it is not as it was read, for somebody has taken it up again.
    async fn clear(&self, task: &Task, results: &Results) -> Result<bool, UpdateError> {
        results.delete_all(&results_prefix(&task.user_id, task.id)).await?;
        if let Some(join) = &task.job.children {
            self.jobs.drop_children(join).await?;
        }
        Ok(self.jobs.table.delete_if(&task.key, &as_read(task)).await?)
    }

    /// The lines of a task's log from number `first` to `last`.
    pub async fn log(&self, task: &Task, first: u64, last: u64) -> Result<Vec<jobs::LoggedLine>, TableError> {
        self.jobs.logs.read(&task.key.sk, first, last).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_its_task_was_submitted() {
        let now = Millis(1_705_314_600_123);
        assert_eq!(submitted_at(new_id(now)), now.0);
        assert_eq!(submitted_at(Uuid::nil()), 0);
    }
}
