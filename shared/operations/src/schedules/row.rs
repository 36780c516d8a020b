//! A schedule in a list.

use extract::OwnConfig;
use jobs::Status;
use serde::Serialize;
use table::Millis;
use videos::Schedule;

use super::name::{ScheduleKind, ScheduleName};
use crate::jobs::kind::Kind;
use crate::jobs::name::JobName;
use crate::jobs::record::Record;
use crate::{redacted, shown};

/// A schedule in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleRow {
    /// What it is called.
    #[serde(flatten)]
    pub name: ScheduleName,
    /// What its owner calls it.
    pub title: String,
    /// What it fetches: of videos the mode and value, of a monitor its first page, without what may be secret.
    pub what: String,
    /// How often: of videos `every 15 minutes`, of a monitor `hourly`, `daily`, `weekly` or five fields of cron.
    pub every: String,
    /// Whether it is paused.
    pub paused: bool,
    /// When it runs next; none while it is paused, or, of a monitor, while it runs.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub next_run_at: Option<Millis>,
    /// When its last run began; of a monitor, when that ended.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub last_run_at: Option<Millis>,
    /// How the last run that has ended did; none if none has.
    pub last_outcome: Option<Status>,
    /// What went wrong in it, as far as the schedule tells.
    pub last_error: Option<String>,
    /// The job that is its run, while that goes on; of a monitor it is the job itself.
    pub active_run: Option<JobName>,
    /// How its runs ended; of videos alone.
    pub runs: Option<Runs>,
}

/// How the runs of a schedule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// How many were started.
    pub started: u64,
    /// Well.
    pub completed: u64,
    /// Badly.
    pub failed: u64,
    /// By somebody.
    pub cancelled: u64,
    /// How often it was due while one was still going.
    pub skipped: u64,
}

impl ScheduleRow {
    pub(crate) fn of_videos(schedule: Schedule) -> Self {
        let run = schedule.active_run.as_deref().and_then(|run| run.parse().ok());
        let runs = Runs {
            started: schedule.total_runs,
            completed: schedule.ended_completed,
            failed: schedule.ended_failed,
            cancelled: schedule.ended_cancelled,
            skipped: schedule.skipped_runs,
        };
        Self {
            active_run: run.and_then(|id| JobName::new(Kind::Video, &schedule.tenant, id)),
            name: ScheduleName { kind: ScheduleKind::Video, tenant: schedule.tenant, id: schedule.id },
            title: schedule.name,
            what: format!("{} {}", schedule.order.mode.as_str(), redacted::text(&schedule.order.value)),
            every: format!("every {} minutes", schedule.interval_minutes),
            paused: !schedule.enabled,
            next_run_at: schedule.next_run_at,
            last_run_at: schedule.last_run_at,
            last_outcome: schedule.last_outcome,
            last_error: None,
            runs: Some(runs),
        }
    }

    /// A monitor; none if the task is of another type.
    pub(crate) fn of_monitor(record: &Record) -> Option<Self> {
        let Record::Task(task) = record else { return None };
        let OwnConfig::Monitoring(monitoring) = &task.config.own else { return None };
        let job = &task.job;
        let name = record.name();
        let has_run = job.result_key.is_some() || job.units_charged > 0;
        let last_outcome = match (&job.error_message, has_run) {
            (Some(_), _) => Some(Status::Failed),
            (None, true) => Some(Status::Completed),
            (None, false) => None,
        };
        let rests = job.status == Status::Pending && job.turn.is_none();
        let paused = rests && job.job_kind.ends_with("-paused");
        Some(Self {
            name: ScheduleName { kind: ScheduleKind::Monitor, tenant: name.tenant.clone(), id: name.id },
            title: task.name.clone(),
            what: task.config.pages.urls.first().map(|url| redacted::address(url)).unwrap_or_default(),
            every: monitoring.schedule.to_string(),
            paused,
            next_run_at: job.redeliver_at.filter(|_| rests && !paused),
            last_run_at: Some(job.updated_at).filter(|_| last_outcome.is_some()),
            last_outcome,
            last_error: job.error_message.as_deref().map(redacted::text),
            active_run: (!rests && !job.status.is_final()).then_some(name),
            runs: None,
        })
    }
}
