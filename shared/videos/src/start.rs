//! Starting the runs that are due.
//!
//! A run is one transaction: its job's submission, and the schedule's step to its next time on condition that it is still due as it was read. What
//! dies before its messages are sent leaves jobs that `recovery` finds.

use std::time::Duration;

use jobs::{Due, DueItem, Hint, Recurring, Start, Started, SubmitError, usage};
use table::{Key, Millis, TableError};

use crate::keys::account_key;
use crate::schedule::Schedule;
use crate::schedules::Schedules;

/// The `job_kind` of schedules that are enabled.
pub const SCHEDULE_KIND: &str = "video-schedule";

impl Schedules {
    /// Starts the runs that are due, each once, until `until`. See [`Due::start`].
    pub async fn start_due(&self, until: Millis) -> Result<Started, TableError> {
        let jobs::Jobs { table, queue, clock, policy, .. } = &self.jobs.jobs;
        Due { kind: SCHEDULE_KIND, table, queue, clock, policy }.start(self, until).await
    }
}

impl Recurring for Schedules {
    type Item = Schedule;

    /// As they are now: the index may be a moment behind.
    async fn read(&self, due: Vec<DueItem>) -> Result<Vec<Schedule>, TableError> {
        let keys: Vec<_> = due.into_iter().map(|due| due.key).collect();
        let mut schedules: Vec<Schedule> = self.jobs.items(&keys).await?;
        let now = self.jobs.jobs.clock.now();
        schedules.retain(|schedule| schedule.next_run_at.is_some_and(|due| due <= now));
        Ok(schedules)
    }

    fn key(schedule: &Schedule) -> &Key {
        &schedule.key
    }

    /// Runs of one tenant meet on its account, and those of several on the part of the totals that counts them.
    fn group(schedule: &Schedule) -> String {
        usage::totals_key(&account_key(&schedule.tenant)).pk
    }

    async fn start(&self, schedule: &Schedule, delay: Duration) -> Result<Start, TableError> {
        let jobs = &self.jobs.jobs;
        let now = jobs.clock.now();
        if let Some(skip) = schedule.skip(now) {
            return match jobs.table.update(&schedule.key, skip).await {
                Ok(_) => Ok(Start::Skipped),
                Err(TableError::ConditionFailed(_)) => Ok(Start::Lost),
                Err(error) => Err(error),
            };
        }
        let mut job = self.jobs.make(&schedule.tenant, schedule.order.clone());
        job.schedule_id = Some(schedule.id);
        job.job.reports_to = Some(schedule.key.clone());
        job.job.redeliver_at = job.job.redeliver_at.map(|lost| lost.after(delay));
        let Some(step) = schedule.start(job.id, now) else { return Ok(Start::Lost) };
        match self.jobs.store(&job, vec![step]).await {
            Ok(()) => Ok(Start::Started(Hint::waits(job.key))),
            Err(SubmitError::Beside) => Ok(Start::Lost),
            Err(SubmitError::Table(error)) => Err(error),
            Err(SubmitError::Refused(_)) => Err(TableError::Broken("a run was refused by its account".to_owned())),
        }
    }
}
