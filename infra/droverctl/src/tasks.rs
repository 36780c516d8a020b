//! `droverctl tasks`.

use clap::{Args, Subcommand, ValueEnum};
use worker::{Filter, Listed, NO_TYPE, is_type};

use crate::confirm::{Sudden, Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::Answer;
use crate::pages::{Page, acted, listed};

/// What a list shows of a task.
const SHOWN: [&str; 8] = ["id", "campaign_id", "type", "status", "held", "due_at", "retry_count", "error"];

#[derive(Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks of the worker API: all, the newest first; or those that have not ended, or have failed, be it of one campaign or type
    List(List),
    /// Show one, without its payload and result
    Show(Named),
    /// Take one from who has locked it, as when a worker died: it may be locked again at once. Asks, unless --yes
    Release(Sudden<Named>),
    /// End one that has not ended, whoever has locked it. Asks, unless --yes
    Cancel(Sudden<Named>),
    /// Take one up again that has failed: it may be locked at once, and has all its retries before it
    Retry(Named),
}

#[derive(Args)]
pub(crate) struct List {
    /// How they stand
    #[arg(long, value_enum, default_value_t = State::All)]
    state: State,
    /// Only those of this campaign; of those that are open or have failed
    #[arg(long, value_name = "NUMBER")]
    campaign: Option<u64>,
    /// Only those of this type; of those that are open or have failed
    #[arg(long = "type", value_name = "TYPE", value_parser = task_type)]
    task_type: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// However they stand
    All,
    /// They wait for a worker, or are locked by one
    Open,
    /// They ended badly; the last one first
    Failed,
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
            Self::List(list) => listed("tasks", &SHOWN, fleet.tasks(&list.listed()?, list.page.paging()).await),
            Self::Show(Named { id }) => {
                Ok(serde_json::to_value(fleet.task(id).await?.ok_or_else(|| missing(id))?)?.into())
            }
            Self::Release(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                let held = fleet.task(id).await?.ok_or_else(|| missing(id))?.held;
                let held = held.ok_or_else(|| Failure::refused(format!("nobody has locked task {id}")))?;
                confirm(&format!("Task {id} is taken from {}.", held.by), yes)?;
                let act = fleet.release_task(&deployment.operator(), id, held.token).await;
                acted(&name_of(id), "released", act)
            }
            Self::Cancel(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                confirm(&format!("Task {id} is cancelled."), yes)?;
                acted(&name_of(id), "cancelled", fleet.cancel_task(&deployment.operator(), id).await)
            }
            Self::Retry(Named { id }) => {
                acted(&name_of(id), "retried", fleet.retry_task(&deployment.operator(), id).await)
            }
        }
    }
}

impl List {
    fn listed(&self) -> Result<Listed, Failure> {
        let filter = Filter { task_type: self.task_type.clone(), campaign_id: self.campaign };
        match self.state {
            State::Open => Ok(Listed::Open(filter)),
            State::Failed => Ok(Listed::Failed(filter)),
            State::All if filter == Filter::default() => Ok(Listed::All),
            State::All => Err(Failure::usage("all tasks of a campaign or type are not listed")
                .next("add --state open or --state failed")),
        }
    }
}

fn task_type(text: &str) -> Result<String, &'static str> {
    if is_type(text) { Ok(text.to_owned()) } else { Err(NO_TYPE) }
}

fn name_of(id: u64) -> String {
    format!("task/{id}")
}

fn missing(id: u64) -> Failure {
    Failure::not_found(format!("there is no {}", name_of(id))).next("droverctl tasks list")
}
