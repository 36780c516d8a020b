//! `droverctl schedules`.

use clap::{Args, Subcommand, ValueEnum};
use operations::{Found, Kind, Operations, ScheduleKind, ScheduleName};

use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::names::Reference;
use crate::output::Answer;
use crate::pages::{Page, acted, listed};

/// What a list shows of a schedule.
const SHOWN: [&str; 8] = ["id", "tenant", "title", "what", "every", "next_run_at", "last_outcome", "last_error"];

#[derive(Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List schedules of all tenants, the next run first; or those that are paused
    List(List),
    /// Show one
    Show(Named),
    /// Start a run now, once; when the next is due stays
    RunNow(Named),
    /// Stop one until it is resumed; a run that is going goes on
    Pause(Named),
    /// Let one run again
    Resume(Named),
}

#[derive(Args)]
pub(crate) struct List {
    /// Their kind
    #[arg(long, value_enum, default_value_t = KindName::Video)]
    kind: KindName,
    /// Those that are paused
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    page: Page,
}

#[derive(Args)]
pub(crate) struct Named {
    /// The schedule's id, of a monitor its task's; or KIND/TENANT/ID, which saves looking for it
    #[arg(value_name = "SCHEDULE")]
    schedule: Reference,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    /// Of video jobs
    Video,
    /// Tasks of the extraction cloud that look at their pages again and again
    Monitor,
}

impl From<KindName> for ScheduleKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Video => Self::Video,
            KindName::Monitor => Self::Monitor,
        }
    }
}

impl ScheduleCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let operations = Box::pin(deployment.operations()).await?;
        let by = deployment.operator();
        match self {
            Self::List(List { kind, paused, page }) => {
                listed("schedules", &SHOWN, operations.schedules(kind.into(), paused, page.paging()).await)
            }
            Self::Show(Named { schedule }) => {
                let name = Box::pin(find(&operations, schedule)).await?;
                let missing = || Failure::not_found(format!("there is no schedule {name}"));
                let schedule = operations.schedule(&name).await?.ok_or_else(missing)?;
                Ok(serde_json::to_value(schedule)?.into())
            }
            Self::RunNow(Named { schedule }) => {
                let name = Box::pin(find(&operations, schedule)).await?;
                acted(&name.to_string(), "started", operations.run_schedule(&by, &name).await)
            }
            Self::Pause(Named { schedule }) => {
                let name = Box::pin(find(&operations, schedule)).await?;
                acted(&name.to_string(), "paused", operations.pause_schedule(&by, &name).await)
            }
            Self::Resume(Named { schedule }) => {
                let name = Box::pin(find(&operations, schedule)).await?;
                acted(&name.to_string(), "resumed", operations.resume_schedule(&by, &name).await)
            }
        }
    }
}

/// The schedule that is meant. A monitor is a task: it is found as one.
async fn find(operations: &Operations, schedule: Reference) -> anyhow::Result<ScheduleName> {
    let name = match schedule {
        Reference::Whole { kind, tenant, id } => {
            let name = ScheduleKind::named(&kind).and_then(|kind| ScheduleName::new(kind, &tenant, id));
            let wrong = || Failure::usage(format!("{kind} is no kind of schedules")).next("they are video and monitor");
            return Ok(name.ok_or_else(wrong)?);
        }
        Reference::Id(id) => match Box::pin(operations.find(id)).await? {
            Some(Found::Schedule(name)) => Some(name),
            Some(Found::Job(job)) if job.kind == Kind::Extract => {
                ScheduleName::new(ScheduleKind::Monitor, &job.tenant, job.id)
            }
            _ => None,
        }
        .ok_or_else(|| Failure::not_found(format!("there is no schedule {id}")).next("droverctl schedules list"))?,
    };
    Ok(name)
}
