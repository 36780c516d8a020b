//! One attempt at a job, by the holder of its lease.

use std::time::Duration;

use lease::{Lease, Lost, rules};
use table::{Key, TableError, Transaction, Update, new_nonce};

use crate::account::{Account, Outcome};
use crate::desk::Jobs;
use crate::log::Line;
use crate::queue::Queue;
use crate::record::{Job, Status};

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// In percent.
    pub percent: u8,
    /// The compute units used so far.
    pub units_used: u64,
}

/// One attempt at a job. It ends with [`Run::complete`], [`Run::fail`], [`Run::retry`] or [`Run::pause`]; one that is dropped is taken up
/// again when its lease has run out.
#[derive(Debug)]
pub struct Run {
    jobs: Jobs,
    key: Key,
    account: Key,
    lease: Lease,
    units_reserved: u64,
    log_lines: u64,
    attempts: u64,
    handed_on: u64,
}

impl Run {
    pub(crate) fn new(jobs: Jobs, key: Key, account: Key, lease: Lease, job: &Job) -> Self {
        let (units_reserved, log_lines, attempts) = (job.units_reserved, job.log_lines, job.attempts);
        Self { jobs, key, account, lease, units_reserved, log_lines, attempts, handed_on: job.handed_on }
    }

    /// The fencing token of this attempt: files it writes carry it in their names, so that a later attempt's are other files.
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.lease.token
    }

    /// Records a step, and keeps the job for another lease. [`Lost::Superseded`] says to stop: the job was cancelled, or is another's.
    pub async fn record(&mut self, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        self.renew(progress, lines, Update::new()).await
    }

    /// Records a step that a later attempt can go on from. What failed before is behind it: attempts are counted anew.
    pub async fn checkpoint(&mut self, checkpoint: &str, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        self.renew(progress, lines, Update::new().set("checkpoint", checkpoint).set("attempts", 0_u64)).await?;
        self.attempts = 0;
        Ok(())
    }

    async fn renew(&mut self, progress: Progress, lines: Vec<Line>, more: Update) -> Result<(), Lost> {
        let now = self.jobs.clock.now();
        let until = now.after(self.jobs.policy.lease);
        let step = self.step(progress, &lines).set("redeliver_at", self.jobs.abandoned_at(now)).and(more);
        lease::renew(&self.jobs.table, &self.key, &mut self.lease, until, step).await?;
        self.write(lines).await;
        Ok(())
    }

    /// Ends the job well: its result, its state, its charge and the account's counters in one transaction.
    pub async fn complete(
        self,
        result_key: &str,
        result_bytes: u64,
        note: Option<&str>,
        units_used: u64,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        let result = Update::new()
            .set("progress", 100_u64)
            .set("result_key", result_key)
            .set("result_bytes", result_bytes)
            .set_or_remove("error_message", note);
        self.finish(Status::Completed, Outcome::Completed, units_used, result, lines).await
    }

    /// Ends the job badly, for good.
    pub async fn fail(self, reason: &str, units_used: u64, lines: Vec<Line>) -> Result<(), Lost> {
        let reason = Update::new().set("error_message", reason);
        self.finish(Status::Failed, Outcome::Failed, units_used, reason, lines).await
    }

    async fn finish(
        mut self,
        status: Status,
        outcome: Outcome,
        units_used: u64,
        more: Update,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        let now = self.jobs.clock.now();
        let units_used = units_used.min(self.units_reserved);
        let end = rules::release(self.lease.token, None, &new_nonce())
            .set("status", status.as_str())
            .set("units_used", units_used)
            .set("completed_at", now)
            .remove("redeliver_at")
            .remove("checkpoint")
            .and(self.number(&lines))
            .and(more);
        let settle = Account::settle(self.units_reserved, units_used, outcome);
        let ended = Transaction::new()
            .update(&self.jobs.table, &self.key, end)?
            .update(&self.jobs.table, &self.account, settle)?
            .commit(&self.jobs.table)
            .await;
        match ended {
            Ok(()) => {
                self.write(lines).await;
                Ok(())
            }
            Err(TableError::ConditionFailed(items)) => Err(Lost::Superseded(items.into_iter().next().flatten())),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the job back for another attempt, after a pause that grows with the attempts made.
    pub async fn retry(self, reason: &str, lines: Vec<Line>) -> Result<(), Lost> {
        let pause = self.jobs.policy.retry_pause(self.attempts, fastrand::f64());
        let change = self.number(&lines).set("error_message", reason);
        self.give_back(pause, 0, change, lines).await
    }

    /// Gives the job back to be gone on with from `checkpoint` at once: for work that is longer than a function may run. It is no failed
    /// attempt.
    pub async fn pause(self, checkpoint: &str, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        let change = self.step(progress, &lines).set("checkpoint", checkpoint).set("attempts", 0_u64);
        self.give_back(Duration::ZERO, 0, change, lines).await
    }

    /// Gives the job to the workers of another queue, at once. Nothing was done of it: it is no attempt.
    ///
    /// Each time it counts as lost twice as late as the time before: where the other queue is long it is not filled with copies.
    pub async fn hand_on(mut self, to: Queue) -> Result<(), Lost> {
        let times = self.handed_on;
        let change = Update::new().set("attempts", self.attempts.saturating_sub(1)).set("handed_on", times + 1);
        self.jobs.queue = to;
        self.give_back(Duration::ZERO, times, change, Vec::new()).await
    }

    /// `times` says how late its message counts as lost: each time twice as late.
    async fn give_back(mut self, pause: Duration, times: u64, more: Update, lines: Vec<Line>) -> Result<(), Lost> {
        let again = self.jobs.clock.now().after(pause);
        let change = Update::new()
            .set("status", Status::Pending.as_str())
            .set("redeliver_at", again.after(self.jobs.policy.redelivery_pause(times)))
            .and(more);
        lease::release(&self.jobs.table, &self.key, self.lease.clone(), Some(again), change).await?;
        self.write(lines).await;
        self.jobs.queue.hint(&self.key, round_up(pause)).await;
        Ok(())
    }

    fn step(&self, progress: Progress, lines: &[Line]) -> Update {
        self.number(lines).set("progress", u64::from(progress.percent)).set("units_used", progress.units_used)
    }

    /// Claims the numbers of these lines, in the write that this becomes a part of.
    fn number(&self, lines: &[Line]) -> Update {
        Update::new().set("log_lines", self.log_lines + lines.len() as u64).set("updated_at", self.jobs.clock.now())
    }

    /// Writes lines under the numbers that were claimed for them. That the log lacks some is no reason to do the work again.
    async fn write(&mut self, lines: Vec<Line>) {
        let first = self.log_lines + 1;
        self.log_lines += lines.len() as u64;
        if let Err(error) = self.jobs.logs.write(&self.key.sk, first, lines).await {
            tracing::warn!(%error, job = self.key.sk, "log lines were not written");
        }
    }
}

/// Up to the next whole second, so that a message does not come before its job may be claimed.
fn round_up(pause: Duration) -> Duration {
    Duration::from_secs(pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
}
