//! Starting the runs that are due.
//!
//! A run is one transaction: its job's submission, and the schedule's step to its next time on condition that it is still due as it was read. What
//! dies before its messages are sent leaves jobs that `recovery` finds.

use std::time::Duration;

use jobs::{Due, DueItem, Elsewhere, Hint, Recurring, Start, Started, SubmitError, usage};
use table::{Key, Millis, TableError};
use uuid::Uuid;

use crate::keys::account_key;
use crate::schedule::Schedule;
use crate::schedules::Schedules;
use crate::store::VideoJob;

/// How often a run is tried to start whose schedule changes meanwhile.
const RACES: u32 = 10;

/// The `job_kind` of schedules that are enabled.
pub const SCHEDULE_KIND: &str = "video-schedule";

impl Schedules {
    /// Starts the runs that are due, each once, until `until`. See [`Due::start`].
    pub async fn start_due(&self, until: Millis) -> Result<Started, TableError> {
        let jobs::Jobs { table, queue, clock, policy, .. } = &self.jobs.jobs;
        Due { kind: SCHEDULE_KIND, table, queue, clock, policy }.start(self, until).await
    }
}

/// The answer to who would start a run out of turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunNow {
    /// It is started: the job of this id.
    Started(Uuid),
    /// A run is still going.
    Runs,
    /// Its tenant has had no job yet: how many of them may run at once is told to who starts the first.
    NoAccount,
    /// There is no such schedule.
    Missing,
}

impl Schedules {
    /// Starts a run now, whether the schedule is enabled or not, together with a change of another table. When the next is due stays; where this one is
    /// still going then, that is passed over as any other. Of several who start one at once, and the scheduler, one does.
    pub async fn run_now(
        &self,
        tenant: &str,
        id: Uuid,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<RunNow, TableError> {
        for _ in 0..RACES {
            let Some(schedule) = self.get(tenant, id).await? else { return Ok(RunNow::Missing) };
            let job = self.run_of(&schedule);
            let Some(step) = schedule.start_out_of_turn(job.id, self.jobs.jobs.clock.now()) else {
                return Ok(RunNow::Runs);
            };
            match self.jobs.jobs.store_with(job.as_new(), vec![step], elsewhere).await {
                Ok(()) => {
                    self.jobs.jobs.queue.hint(&Hint::waits(job.key), Duration::ZERO).await;
                    return Ok(RunNow::Started(job.id));
                }
                Err(SubmitError::Beside) => {}
                Err(SubmitError::Table(error)) => return Err(error),
                Err(SubmitError::Refused(account)) if account.is_empty() => return Ok(RunNow::NoAccount),
                Err(SubmitError::Refused(_)) => return Err(refused()),
            }
        }
        Err(TableError::Unavailable("the schedule changes faster than a run can be started".to_owned()))
    }

    /// A run of a schedule, not yet stored.
    fn run_of(&self, schedule: &Schedule) -> VideoJob {
        let mut job = self.jobs.make(&schedule.tenant, schedule.order.clone());
        job.schedule_id = Some(schedule.id);
        job.job.reports_to = Some(schedule.key.clone());
        job
    }
}

fn refused() -> TableError {
    TableError::Broken("a run was refused by its account".to_owned())
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
        let mut job = self.run_of(schedule);
        job.job.redeliver_at = job.job.redeliver_at.map(|lost| lost.after(delay));
        let Some(step) = schedule.start(job.id, now) else { return Ok(Start::Lost) };
        match self.jobs.store(&job, vec![step]).await {
            Ok(()) => Ok(Start::Started(Hint::waits(job.key))),
            Err(SubmitError::Beside) => Ok(Start::Lost),
            Err(SubmitError::Table(error)) => Err(error),
            Err(SubmitError::Refused(_)) => Err(refused()),
        }
    }
}
