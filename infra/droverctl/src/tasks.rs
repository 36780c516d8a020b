//! `droverctl tasks`.

use clap::{Args, Subcommand};

use crate::confirm::{Sudden, Sure, confirm};
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
    Release(Sudden<Named>),
}

#[derive(Args)]
pub(crate) struct Named {
    /// The task's number, as `list` tells it
    id: u64,
}

impl TaskCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let fleet = deployment.fleet();
        match self {
            Self::List(page) => listed("tasks", &SHOWN, fleet.tasks(page.paging()).await),
            Self::Show(Named { id }) => {
                Ok(serde_json::to_value(fleet.task(id).await?.ok_or_else(|| missing(id))?)?.into())
            }
            Self::Release(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                let held = fleet.task(id).await?.ok_or_else(|| missing(id))?.held;
                let held = held.ok_or_else(|| Failure::refused(format!("nobody has locked task {id}")))?;
                confirm(&format!("Task {id} is taken from {}.", held.by), yes)?;
                let act = fleet.release_task(&deployment.operator(), id, held.token).await;
                acted(&format!("task/{id}"), "released", act)
            }
        }
    }
}

fn missing(id: u64) -> Failure {
    Failure::not_found(format!("there is no task/{id}")).next("droverctl tasks list")
}
