//! Tasks that no worker hears of: their messages go to a queue that is not there, and are due again in a lifetime only. So a test
//! decides what becomes of them, and when.

use std::time::Duration;

use anyhow::{anyhow, ensure};
use extract::{NewTask, Task, TaskConfig, TaskType, Tasks, task_key};
use jobs::{Claimed, Hint, Jobs, Policy, Queue};
use serde_json::json;
use table::Clock;

use crate::stack::Stack;
use crate::user::User;

/// Longer than any test's stack lives.
const LIFETIME: Duration = Duration::from_hours(50 * 365 * 24);

/// The maker of such tasks.
#[derive(Clone, Debug)]
pub struct QuietTasks {
    jobs: Jobs,
    tasks: Tasks,
}

impl QuietTasks {
    /// A maker whose tasks are of `clock`'s time.
    pub async fn new(stack: &Stack, clock: Clock) -> anyhow::Result<Self> {
        let policy = Policy { redelivery_base: LIFETIME, redelivery_cap: LIFETIME, ..Policy::with_lease(LIFETIME) };
        let nowhere = format!("{}-that-is-not-there", stack.queue_url("extract").await?);
        let jobs = Jobs { queue: Queue::new(&stack.config, nowhere), clock, ..stack.jobs(policy).await? };
        Ok(Self { tasks: Tasks::new(jobs.clone()), jobs })
    }

    /// What makes them jobs.
    #[must_use]
    pub const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Makes a task of `user`, which is pending.
    pub async fn pending(&self, user: &User, name: &str, task_type: TaskType) -> anyhow::Result<Task> {
        let config = json!({"urls": ["https://example.com/products"], "selectors": {"title": "h1"}});
        let config = TaskConfig::read(task_type, &config).map_err(|faults| anyhow!("{faults:?}"))?;
        let new = NewTask { name: name.to_owned(), description: None, priority: 5, config };
        Ok(self.tasks.create(&user.id, new).await?)
    }

    /// Lets a worker claim a task, which is running from then on.
    pub async fn run(&self, task: &Task) -> anyhow::Result<Box<jobs::Run>> {
        match self.jobs.claim::<Task>(&task_key(&task.user_id, task.id), "a worker of the test").await? {
            Claimed::Run(run, _) => Ok(run),
            Claimed::Nothing(why) => anyhow::bail!("not claimed: {why}"),
        }
    }

    /// Does what a worker does that is hinted at a task: claims the best of its user's, if any may run.
    pub async fn take(&self, hinted: &Task) -> anyhow::Result<Option<(Box<jobs::Run>, Box<Task>)>> {
        match self.jobs.take(&Hint::waits(hinted.key.clone()), "a worker of the test").await? {
            Claimed::Run(run, task) => Ok(Some((run, task))),
            Claimed::Nothing(_) => Ok(None),
        }
    }

    /// Completes a task; its result is nowhere.
    pub async fn complete(&self, task: &Task) -> anyhow::Result<()> {
        let completed = self.run(task).await?.complete("results/nowhere", 0, None, 1, Vec::new()).await;
        ensure!(completed.is_ok(), "not completed: {completed:?}");
        Ok(())
    }

    /// Fails a task.
    pub async fn fail(&self, task: &Task) -> anyhow::Result<()> {
        Ok(self.run(task).await?.fail("as the test wants it", 0, Vec::new()).await?)
    }
}
