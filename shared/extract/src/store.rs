//! Tasks, read and changed for their owner.

use jobs::{Cancelled, Job, Jobs, Results, ResultsError, Status, SubmitError};
use table::{Item, Millis, TableError, Update, decode, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::account::CloudAccount;
use crate::accounts::Accounts;
use crate::input::{NewTask, TaskChange};
use crate::keys::{account_key, task_key};
use crate::list::{ListError, TaskQuery, list};
use crate::task::{Task, TaskType};

/// How often a task is submitted that finds its account's period over.
const RENEWALS: u32 = 2;

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
    if !account.period.plan.runs(task.task_type) {
        return Some(CreateError::NotInPlan(task.task_type));
    }
    let available = account.account.units_available.max(0);
    (!account.is_due(now)).then_some(CreateError::InsufficientUnits { needed, available })
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
            job: Job::submitted(self.jobs.kind, now, new.config.estimate(), &self.jobs.policy),
            account: account_key(user),
            id,
            user_id: user.to_owned(),
            name_key: new.name.to_lowercase(),
            name: new.name,
            description: new.description,
            task_type: new.task_type,
            config: new.config,
            priority: new.priority,
        };
        for _ in 0..RENEWALS {
            let may = CloudAccount::may_submit(task.task_type, now);
            match self.jobs.submit(&task.key, &task, &task.job, &task.account, may).await {
                Ok(()) => return Ok(task),
                Err(SubmitError::Table(error)) => return Err(error.into()),
                Err(SubmitError::Refused(account)) => match refusal(account, &task, now) {
                    Some(error) => return Err(error),
                    None => self.accounts.renew(user).await?,
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

    /// A user's task.
    pub async fn get(&self, user: &str, id: Uuid) -> Result<Option<Task>, TableError> {
        self.jobs.table.get(&task_key(user, id)).await
    }

    /// A page of a user's tasks, and whether there are more.
    pub async fn list(&self, user: &str, query: &TaskQuery) -> Result<(Vec<Task>, bool), ListError> {
        list(&self.jobs.table, user, query).await
    }

    /// Changes what a user says of a task that has not ended.
    pub async fn update(&self, user: &str, id: Uuid, change: TaskChange) -> Result<Task, UpdateError> {
        let mut update = Update::new().set("updated_at", self.jobs.clock.now()).when(Status::is_open());
        if let Some(name) = change.name {
            update = update.set("name_key", name.to_lowercase()).set("name", name);
        }
        if let Some(description) = change.description {
            update = update.set("description", description);
        }
        if let Some(priority) = change.priority {
            update = update.set("priority", u64::from(priority));
        }
        match self.jobs.table.update(&task_key(user, id), update).await {
            Ok(item) => Ok(decode(item)?),
            Err(TableError::ConditionFailed(_)) => match self.get(user, id).await? {
                Some(_) => Err(UpdateError::Ended),
                None => Err(UpdateError::Missing),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Cancels a task that has not ended; deletes one that has, with its results.
    ///
    /// The results go first: if that fails the task is still there, and deleting it again goes on.
    pub async fn delete(&self, user: &str, id: Uuid, results: &Results) -> Result<Deleted, UpdateError> {
        let key = task_key(user, id);
        match self.jobs.cancel(&key).await? {
            Cancelled::Now => return Ok(Deleted::Cancelled),
            Cancelled::Missing => return Err(UpdateError::Missing),
            Cancelled::AlreadyEnded => {}
        }
        let Some(task) = self.get(user, id).await? else { return Err(UpdateError::Missing) };
        results.delete_all(&task.results_prefix()).await?;
        self.jobs.table.delete(&key).await?;
        Ok(Deleted::Deleted)
    }

    /// The lines of a task's log from number `first` to `last`.
    pub async fn log(&self, task: &Task, first: u64, last: u64) -> Result<Vec<jobs::LoggedLine>, TableError> {
        self.jobs.logs.read(&task.key.sk, first, last).await
    }
}
