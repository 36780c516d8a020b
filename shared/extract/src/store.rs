//! Tasks, read and changed for their owner.

use jobs::{Cancelled, Job, Jobs, Results, ResultsError, Status, SubmitError};
use table::{TableError, Update, decode, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::input::{NewTask, TaskChange};
use crate::keys::{account_key, task_key};
use crate::list::{ListError, TaskQuery, list};
use crate::task::Task;

/// The tasks of all users.
#[derive(Clone, Debug)]
pub struct Tasks {
    jobs: Jobs,
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
    pub const fn new(jobs: Jobs) -> Self {
        Self { jobs }
    }

    /// Submits a task of `user`, with its estimate reserved.
    pub async fn create(&self, user: &str, new: NewTask) -> Result<Task, SubmitError> {
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
            config: new.config,
            priority: new.priority,
        };
        self.jobs.submit(&task.key, &task, &task.job, &task.account).await?;
        Ok(task)
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
