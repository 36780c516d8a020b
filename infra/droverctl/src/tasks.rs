//! `droverctl tasks`.

use clap::{Args, Subcommand};

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::Answer;
use crate::pages::{Page, acted, listed};

/// What a list shows of a task.
const SHOWN: [&str; 8] = ["id", "campaign_id", "type", "status", "held", "due_at", "retry_count", "error"];

#[derive(Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks of the worker API, the newest first
    List(Page),
    /// Show one, without its payload and result
    Show(Named),
    /// Take one from who has locked it, as when a worker died: it may be locked again at once. Asks, unless --yes
    Release(Sudden),
}

#[derive(Args)]
pub(crate) struct Named {
    /// The task's number, as `list` tells it
    id: u64,
}

#[derive(Args)]
pub(crate) struct Sudden {
    #[command(flatten)]
    task: Named,
    #[command(flatten)]
    sure: Sure,
}

impl TaskCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let fleet = deployment.fleet();
        match self {
            Self::List(page) => listed("tasks", &SHOWN, fleet.tasks(page.paging()).await),
            Self::Show(Named { id }) => {
                let missing = || Failure::not_found(format!("there is no task {id}")).next("droverctl tasks list");
                Ok(serde_json::to_value(fleet.task(id).await?.ok_or_else(missing)?)?.into())
            }
            Self::Release(Sudden { task: Named { id }, sure: Sure { yes } }) => {
                confirm(&format!("Task {id} is taken from who has locked it."), yes)?;
                acted(&format!("task/{id}"), "released", fleet.release_task(&deployment.operator(), id).await)
            }
        }
    }
}
