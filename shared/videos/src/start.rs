//! Starting what is due, each due run once: whoever else starts runs at the same time, however late, whatever dies.
//!
//! A run is one transaction: its job's submission, and the schedule's step to its next time on condition that it is still due as it was read. Of
//! two schedulers one is refused, for the price of one request. What dies before its messages are sent leaves jobs that `recovery` finds.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::iter;
use jobs::{Hint, SubmitError};
use serde::Deserialize;
use table::{Condition, Key, Millis, Query, TableError};

use crate::schedule::Schedule;
use crate::schedules::Schedules;

/// The `job_kind` of schedules that are enabled.
pub const SCHEDULE_KIND: &str = "video-schedule";

/// How many due schedules are read at a time (what one `BatchGetItem` takes).
const PAGE: u32 = 100;
/// How many tenants' schedules are started at once. Those of one tenant follow each other: they meet on its account.
const TENANTS_AT_ONCE: usize = 16;
/// How many due at once are started at once; more are spread over a minute.
const FEW: usize = 20;
/// What many are spread over.
const SPREAD: Duration = Duration::from_mins(1);

/// What a scheduler has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// Runs that it has started.
    pub started: u64,
    /// Due times that were passed over, since a run was still going.
    pub skipped: u64,
    /// Due times that somebody else has seen to.
    pub lost: u64,
    /// Schedules that the table failed for: they are still due.
    pub failed: u64,
}

#[derive(Deserialize)]
struct Due {
    #[serde(flatten)]
    key: Key,
}

/// What became of one due schedule.
enum Done {
    Started(Key),
    Skipped,
    Lost,
    Failed,
}

impl Schedules {
    /// Starts what is due, until `until`.
    pub async fn start_due(&self, until: Millis) -> Result<Started, TableError> {
        let jobs = &self.jobs.jobs;
        let mut sum = Started::default();
        let mut start = None;
        loop {
            let now = jobs.clock.now();
            let due = Condition::All(vec![
                Condition::equal("job_kind", SCHEDULE_KIND),
                Condition::at_most("redeliver_at", now),
            ]);
            let page = jobs.table.query::<Due>(Query::new(due).index("due").limit(PAGE).start(start.take())).await?;
            let keys: Vec<_> = page.items.into_iter().map(|due| due.key).collect();
            if !keys.is_empty() {
                // As they are now: the index may be a moment behind.
                self.start_all(self.jobs.items(&keys).await?, &mut sum).await;
            }
            match page.next {
                Some(next) if jobs.clock.now() < until => start = Some(next),
                _ => return Ok(sum),
            }
        }
    }

    /// Starts a page of schedules, in an order of its own: two schedulers that read the same page are in each other's way the less.
    async fn start_all(&self, schedules: Vec<Schedule>, sum: &mut Started) {
        let now = self.jobs.jobs.clock.now();
        let due: Vec<_> = schedules.into_iter().filter(|s| s.next_run_at.is_some_and(|due| due <= now)).collect();
        let spread = due.len() > FEW;
        let mut tenants: BTreeMap<String, Vec<Schedule>> = BTreeMap::new();
        for schedule in due {
            tenants.entry(schedule.tenant.clone()).or_default().push(schedule);
        }
        let mut tenants: Vec<_> = tenants.into_values().collect();
        fastrand::shuffle(&mut tenants);
        let one_tenant = async |schedules: Vec<Schedule>| {
            let mut done = Vec::with_capacity(schedules.len());
            for schedule in schedules {
                let delay = if spread { delay_of(&schedule) } else { Duration::ZERO };
                done.push((self.start(&schedule, delay).await, delay));
            }
            done
        };
        let done: Vec<_> = iter(tenants).map(one_tenant).buffer_unordered(TENANTS_AT_ONCE).collect().await;
        let mut hints = Vec::new();
        for (done, delay) in done.into_iter().flatten() {
            match done {
                Done::Started(job) => {
                    sum.started += 1;
                    hints.push((Hint::waits(job), delay));
                }
                Done::Skipped => sum.skipped += 1,
                Done::Lost => sum.lost += 1,
                Done::Failed => sum.failed += 1,
            }
        }
        self.jobs.jobs.queue.hint_each(&hints).await;
    }

    /// Starts a schedule's run that is due, or passes over it.
    async fn start(&self, schedule: &Schedule, delay: Duration) -> Done {
        match self.try_start(schedule, delay).await {
            Ok(done) => done,
            Err(error) => {
                tracing::warn!(%error, schedule = %schedule.id, "not started; it is still due");
                Done::Failed
            }
        }
    }

    async fn try_start(&self, schedule: &Schedule, delay: Duration) -> Result<Done, TableError> {
        let jobs = &self.jobs.jobs;
        let now = jobs.clock.now();
        if let Some(skip) = schedule.skip(now) {
            return match jobs.table.update(&schedule.key, skip).await {
                Ok(_) => Ok(Done::Skipped),
                Err(TableError::ConditionFailed(_)) => Ok(Done::Lost),
                Err(error) => Err(error),
            };
        }
        let mut job = self.jobs.make(&schedule.tenant, schedule.order.clone());
        job.schedule_id = Some(schedule.id);
        job.job.reports_to = Some(schedule.key.clone());
        job.job.redeliver_at = job.job.redeliver_at.map(|lost| lost.after(delay));
        let Some(step) = schedule.start(job.id, now) else { return Ok(Done::Lost) };
        match self.jobs.store(&job, vec![step]).await {
            Ok(()) => Ok(Done::Started(job.key)),
            Err(SubmitError::Beside) => Ok(Done::Lost),
            Err(SubmitError::Table(error)) => Err(error),
            Err(SubmitError::Refused(_)) => Err(TableError::Broken("a run was refused by its account".to_owned())),
        }
    }
}

/// When in the minute a schedule's message comes, where many are due: always at the same time of it.
fn delay_of(schedule: &Schedule) -> Duration {
    // The last bits of an id are random.
    let seconds = u64::try_from(schedule.id.as_u128() % u128::from(SPREAD.as_secs())).unwrap_or(0);
    Duration::from_secs(seconds)
}
