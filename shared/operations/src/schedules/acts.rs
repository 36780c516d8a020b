//! What an operator does to a schedule: runs it out of turn, pauses it, resumes it.

use jobs::Moved;
use table::Key;
use videos::{RunNow, Schedule, ScheduleChange, ScheduleError};

use super::name::{ScheduleKind, ScheduleName};
use super::row::ScheduleRow;
use crate::Operations;
use crate::act::{Act, ActError, Acted};
use crate::audit::{Action, Asked};
use crate::operator::Operator;

/// What an operator is told whose schedule's run has not ended.
const RUNS: &str = "a run of it is still going";
/// What an operator is told where the tenant has had no run at all.
const FIRST: &str = "its tenant has had no job yet: the first one is the scheduler's to start, when it is due";

impl Operations {
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
                let key = self.monitor(name).await?;
                let moved = self.jobs.rouse(&key, &asked.done()).await?;
                moved_as(moved, "it does not rest: it runs, has ended, or is paused")
            }
        }
    }

    /// Stops a schedule until it is resumed. A run that is going goes on. That it was done is written down with it, in one transaction.
    pub async fn pause_schedule(&self, by: &Operator, name: &ScheduleName) -> Act {
        let asked = self.audit.asked(by, Action::PauseSchedule, &name.to_string()).await?;
        let act = Box::pin(self.pause(name, &asked)).await;
        asked.told(act).await
    }

    async fn pause(&self, name: &ScheduleName, asked: &Asked<'_>) -> Act {
        match name.kind {
            ScheduleKind::Video => self.enable(name, false, "it is paused already", asked).await,
            ScheduleKind::Monitor => {
                let key = self.monitor(name).await?;
                let moved = self.jobs.put_aside(&key, &asked.done()).await?;
                moved_as(moved, "it does not rest: it runs, has ended, or is paused already")
            }
        }
    }

    /// Lets a schedule run again: of videos when its interval has passed from now, of a monitor when it was due, and where that has passed, at once. That it
    /// was done is written down with it, in one transaction.
    pub async fn resume_schedule(&self, by: &Operator, name: &ScheduleName) -> Act {
        let asked = self.audit.asked(by, Action::ResumeSchedule, &name.to_string()).await?;
        let act = Box::pin(self.resume(name, &asked)).await;
        asked.told(act).await
    }

    async fn resume(&self, name: &ScheduleName, asked: &Asked<'_>) -> Act {
        match name.kind {
            ScheduleKind::Video => self.enable(name, true, "it is not paused", asked).await,
            ScheduleKind::Monitor => {
                let key = self.monitor(name).await?;
                let moved = self.jobs.put_back(&key, &asked.done()).await?;
                moved_as(moved, "it is not paused")
            }
        }
    }

    async fn enable(&self, name: &ScheduleName, enabled: bool, already: &str, asked: &Asked<'_>) -> Act {
        let schedules = self.schedules_of_videos();
        let Some(before) = schedules.get(&name.tenant, name.id).await? else { return Err(ActError::Missing) };
        if before.enabled == enabled {
            return Ok(Acted::refused(already));
        }
        let change = |_: &Schedule| ScheduleChange { enabled: Some(enabled), ..ScheduleChange::default() };
        match schedules.change_with(&name.tenant, name.id, change, Some(&asked.done())).await {
            Ok(_) => Ok(Acted::DONE),
            Err(ScheduleError::Table(error)) => Err(error.into()),
            Err(ScheduleError::Missing | ScheduleError::TooMany) => Err(ActError::Missing),
        }
    }

    /// The key of a monitor's task. Tasks of other types rest as well, until their next attempt: they are no schedules.
    async fn monitor(&self, name: &ScheduleName) -> Result<Key, ActError> {
        let record = self.record(&name.task()).await?.filter(|record| ScheduleRow::of_monitor(record).is_some());
        record.map(|record| record.key().clone()).ok_or(ActError::Missing)
    }
}

fn moved_as(moved: Moved, not_so: &str) -> Act {
    match moved {
        Moved::Done => Ok(Acted::DONE),
        Moved::NotSo => Ok(Acted::refused(not_so)),
        Moved::Missing => Err(ActError::Missing),
    }
}
