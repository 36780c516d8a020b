//! Schedules of all tenants: those of videos, and monitors, which are tasks that rest between their checks.

use std::fmt;

use extract::OwnConfig;
use jobs::{Moved, Part, Status};
use serde::Serialize;
use table::{Key, Millis, TableError, cursor};
use uuid::Uuid;
use videos::{RunNow, Schedule, ScheduleChange, ScheduleError, Schedules};

use crate::Operations;
use crate::act::{Act, ActError, Acted};
use crate::audit::{Action, Asked};
use crate::jobs::kind::Kind;
use crate::jobs::name::JobName;
use crate::jobs::record::Record;
use crate::operator::Operator;
use crate::page::{ListError, Listing, Paging, Place};
use crate::{redacted, shown};

/// What the sort keys of video schedules begin with.
const SCHEDULE: &str = "SCHEDULE#";
/// What an operator is told whose schedule's run has not ended.
const RUNS: &str = "a run of it is still going";
/// What an operator is told where the tenant has had no run at all.
const FIRST: &str = "its tenant has had no job yet: the first one is the scheduler's to start, when it is due";

/// A kind of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Of video jobs.
    Video,
    /// Tasks of the extraction cloud that look at their pages again and again.
    Monitor,
}

/// What a schedule is called. Written `video/TENANT/ID`, `monitor/USER/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ScheduleName {
    /// Its kind.
    pub kind: ScheduleKind,
    /// Whose it is.
    pub tenant: String,
    /// Its id; of a monitor that of its task.
    pub id: Uuid,
}

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

impl ScheduleKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Video, Self::Monitor];

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Monitor => "monitor",
        }
    }

    /// The kind that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl ScheduleName {
    /// The schedule of this kind, tenant and id; none if no tenant is called so.
    #[must_use]
    pub fn new(kind: ScheduleKind, tenant: &str, id: Uuid) -> Option<Self> {
        let JobName { tenant, id, .. } = JobName::new(Kind::Video, tenant, id)?;
        Some(Self { kind, tenant, id })
    }

    /// The schedule that lies at a key of a kind of jobs; none if something else does. Monitors are jobs: they are found as such.
    pub(crate) fn at(kind: Kind, key: &Key) -> Option<Self> {
        let tenant = key.pk.strip_prefix(kind.partition_prefix()).filter(|_| kind == Kind::Video)?;
        Self::new(ScheduleKind::Video, tenant, key.sk.strip_prefix(SCHEDULE)?.parse().ok()?)
    }

    /// The task that a monitor is.
    fn task(&self) -> JobName {
        JobName { kind: Kind::Extract, tenant: self.tenant.clone(), id: self.id }
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

impl Operations {
    /// A page of the schedules of all tenants that wait for their next run, the next one first; or of those that are paused. A monitor that runs is a job
    /// that runs, and in no such list meanwhile. Two requests, or three for monitors.
    pub async fn schedules(
        &self,
        kind: ScheduleKind,
        paused: bool,
        paging: Paging<'_>,
    ) -> Result<Listing<ScheduleRow>, ListError> {
        match (kind, paused) {
            (ScheduleKind::Monitor, _) => self.monitors(paused, paging).await,
            (ScheduleKind::Video, false) => {
                let after = paging.place()?;
                let after = after.as_ref().map(|place| (&place.key, place.at));
                let (due, schedules, more) = self.schedules_of_videos().of_all(paging.limit(), after).await?;
                let last = due.into_iter().next_back().filter(|_| more);
                let next = last.and_then(|last| cursor::write(&Place { key: last.key, at: last.due_at }));
                Ok(Listing { items: schedules.into_iter().map(ScheduleRow::of_videos).collect(), next })
            }
            (ScheduleKind::Video, true) => {
                let after = paging.place()?.map(|place| place.key);
                if after.as_ref().is_some_and(|key| ScheduleName::at(Kind::Video, key).is_none()) {
                    return Err(ListError::Cursor);
                }
                let (schedules, last) = self.schedules_of_videos().paused(paging.limit(), after.as_ref()).await?;
                let next = last.and_then(|key| cursor::write(&Place { key, at: Millis(0) }));
                Ok(Listing { items: schedules.into_iter().map(ScheduleRow::of_videos).collect(), next })
            }
        }
    }

    async fn monitors(&self, paused: bool, paging: Paging<'_>) -> Result<Listing<ScheduleRow>, ListError> {
        let part = if paused { Part::Paused } else { Part::Resting };
        let place = paging.place()?;
        let after = place.as_ref().map(|place| (&place.key, place.at));
        let (due, more) = self.jobs.part(part, paging.limit(), after).await?;
        let keys: Vec<_> = due.iter().map(|due| due.key.clone()).collect();
        let records = self.records(Kind::Extract, &keys).await?;
        let items = records.iter().filter_map(ScheduleRow::of_monitor).collect();
        let last = due.into_iter().next_back().filter(|_| more);
        Ok(Listing { items, next: last.and_then(|last| cursor::write(&Place { key: last.key, at: last.due_at })) })
    }

    /// A schedule; none if there is none. One request.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Option<ScheduleRow>, TableError> {
        match name.kind {
            ScheduleKind::Video => {
                let schedule = self.schedules_of_videos().get(&name.tenant, name.id).await?;
                Ok(schedule.map(ScheduleRow::of_videos))
            }
            ScheduleKind::Monitor => {
                let record = self.record(&name.task()).await?;
                Ok(record.as_ref().and_then(ScheduleRow::of_monitor))
            }
        }
    }

    /// Starts a run now, once, whoever else does. When the next is due stays, of videos; of a monitor this is the next check, and the one after it is by its
    /// schedule. That it was done is written down with it, in one transaction.
    pub async fn run_schedule(&self, by: &Operator, name: &ScheduleName) -> Act {
        let asked = self.audit.asked(by, Action::RunSchedule, &name.to_string()).await?;
        let act = Box::pin(self.run_now(name, &asked)).await;
        asked.told(act).await
    }

    async fn run_now(&self, name: &ScheduleName, asked: &Asked<'_>) -> Act {
        match name.kind {
            ScheduleKind::Video => {
                let run = self.schedules_of_videos().run_now(&name.tenant, name.id, Some(&asked.done())).await?;
                match run {
                    RunNow::Started(job) => Ok(Acted::Done(Some(format!("job {job}")))),
                    RunNow::Runs => Ok(Acted::refused(RUNS)),
                    RunNow::NoAccount => Ok(Acted::refused(FIRST)),
                    RunNow::Missing => Err(ActError::Missing),
                }
            }
            ScheduleKind::Monitor => {
                let moved = self.jobs.rouse(&name.task().key(), &asked.done()).await?;
                moved_as(moved, "it does not rest: it runs, has ended, or is paused")
            }
        }
    }

    /// Stops a schedule until it is resumed. A run that is going goes on.
    pub async fn pause_schedule(&self, by: &Operator, name: &ScheduleName) -> Act {
        let asked = self.audit.asked(by, Action::PauseSchedule, &name.to_string()).await?;
        let act = match name.kind {
            ScheduleKind::Video => Box::pin(self.enable(name, false, "it is paused already")).await,
            ScheduleKind::Monitor => {
                let moved = Box::pin(self.jobs.put_aside(&name.task().key(), &asked.done())).await;
                moved
                    .map_err(ActError::from)
                    .and_then(|moved| moved_as(moved, "it does not rest: it runs, has ended, or is paused already"))
            }
        };
        asked.told(act).await
    }

    /// Lets a schedule run again: of videos when its interval has passed from now, of a monitor when it was due, and where that has passed, at once.
    pub async fn resume_schedule(&self, by: &Operator, name: &ScheduleName) -> Act {
        let asked = self.audit.asked(by, Action::ResumeSchedule, &name.to_string()).await?;
        let act = match name.kind {
            ScheduleKind::Video => Box::pin(self.enable(name, true, "it is not paused")).await,
            ScheduleKind::Monitor => {
                let moved = Box::pin(self.jobs.put_back(&name.task().key(), &asked.done())).await;
                moved.map_err(ActError::from).and_then(|moved| moved_as(moved, "it is not paused"))
            }
        };
        asked.told(act).await
    }

    async fn enable(&self, name: &ScheduleName, enabled: bool, already: &str) -> Act {
        let schedules = self.schedules_of_videos();
        let Some(before) = schedules.get(&name.tenant, name.id).await? else { return Err(ActError::Missing) };
        if before.enabled == enabled {
            return Ok(Acted::refused(already));
        }
        let change = |_: &Schedule| ScheduleChange { enabled: Some(enabled), ..ScheduleChange::default() };
        match schedules.change(&name.tenant, name.id, change).await {
            Ok(_) => Ok(Acted::DONE),
            Err(ScheduleError::Table(error)) => Err(error.into()),
            Err(ScheduleError::Missing | ScheduleError::TooMany) => Err(ActError::Missing),
        }
    }

    fn schedules_of_videos(&self) -> Schedules {
        Schedules::new(self.videos.clone())
    }
}

fn moved_as(moved: Moved, not_so: &str) -> Act {
    match moved {
        Moved::Done => Ok(Acted::DONE),
        Moved::NotSo => Ok(Acted::refused(not_so)),
        Moved::Missing => Err(ActError::Missing),
    }
}

impl ScheduleRow {
    fn of_videos(schedule: Schedule) -> Self {
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
            what: format!("{} {}", schedule.order.mode.as_str(), schedule.order.value),
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
    fn of_monitor(record: &Record) -> Option<Self> {
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
            last_error: job.error_message.clone(),
            active_run: (!rests && !job.status.is_final()).then_some(name),
            runs: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_called_by_its_kind_tenant_and_id() {
        let id = Uuid::from_u128(7);
        let key = videos::schedule_key("t", id);
        let name = ScheduleName::at(Kind::Video, &key).unwrap();
        assert_eq!(name.to_string(), format!("video/t/{id}"));
        assert_eq!(ScheduleName::at(Kind::Portal, &key), None);
        assert_eq!(ScheduleName::at(Kind::Video, &videos::job_key("t", id)), None);
        for kind in ScheduleKind::ALL {
            assert_eq!(ScheduleKind::named(kind.as_str()), Some(kind));
        }
    }
}
