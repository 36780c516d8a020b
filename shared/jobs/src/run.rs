//! One attempt at a job, by the holder of its lease.

use std::time::Duration;

use lease::{Lease, Lost, rules};
use serde::Serialize;
use table::{Condition, Key, Millis, TableError, Transaction, Update, new_nonce};

use crate::account::{Account, Outcome};
use crate::beside::{Beside, add_all};
use crate::desk::Jobs;
use crate::end::{Together, ended};
use crate::join::{Join, PartOf};
use crate::ledger::Entry;
use crate::log::Line;
use crate::owner::{Ending, Owner};
use crate::queue::{Hint, Queue};
use crate::record::{Job, Status};
use crate::resting::resting;
use crate::slots::Slots;
use crate::usage;

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// In percent.
    pub percent: u8,
    /// The compute units used so far.
    pub units_used: u64,
}

/// How a job rests until the next part of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest<'a> {
    /// Until when.
    pub until: Millis,
    /// The compute units that this part of its work has used.
    pub units_used: u64,
    /// What it goes on from.
    pub checkpoint: &'a str,
    /// The key and the size of its result so far; none leaves what there is.
    pub result: Option<(&'a str, u64)>,
    /// What its owner should know of this part.
    pub note: Option<&'a str>,
}

/// What became of a job that was to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rested {
    /// It rests, and goes on when its time has come.
    Rests,
    /// It has failed: the account has too few units left for the next part of its work.
    OutOfUnits,
}

/// One attempt at a job. It ends with [`Run::complete`], [`Run::fail`], [`Run::retry`], [`Run::pause`], [`Run::put_off`], [`Run::rest_until`],
/// [`Run::hand_on`] or [`Run::fan_out`]; one that is dropped is taken up again when its lease has run out.
#[derive(Debug)]
pub struct Run {
    jobs: Jobs,
    key: Key,
    owner: Owner,
    lease: Lease,
    holds_slot: bool,
    units_reserved: u64,
    log_lines: u64,
    attempts: u64,
    handed_on: u64,
    redrives: u64,
    reports_to: Option<Key>,
}

impl Run {
    pub(crate) fn new(jobs: Jobs, key: Key, owner: Owner, lease: Lease, job: &Job) -> Self {
        let (units_reserved, log_lines, attempts) = (job.units_reserved, job.log_lines, job.attempts);
        let (holds_slot, handed_on, redrives) = (job.holds_slot, job.handed_on, job.redrives);
        let reports_to = job.reports_to.clone();
        Self {
            jobs,
            key,
            owner,
            lease,
            holds_slot,
            units_reserved,
            log_lines,
            attempts,
            handed_on,
            redrives,
            reports_to,
        }
    }

    /// The fencing token of this attempt: files it writes carry it in their names, so that a later attempt's are other files.
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.lease.token
    }

    /// Whose part the children are that this attempt hands out ([`Run::fan_out`]); it also says where their items lie.
    #[must_use]
    pub fn part_of(&self) -> PartOf {
        PartOf::new(&self.key, self.lease.token)
    }

    /// Goes on with the log of a job whose children have ended, after their lines.
    pub fn go_on_after(&mut self, children: &Join) {
        self.log_lines = self.log_lines.max(children.log_lines);
    }

    /// Records a step, and keeps the job for another lease. [`Lost::Superseded`] says to stop: the job was cancelled, or is another's, or its parent
    /// does not want it any more.
    pub async fn record(&mut self, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        self.renew(progress, lines, Update::new()).await
    }

    /// Records a step, and what else is so of the job's item from now on.
    pub async fn record_with(&mut self, progress: Progress, more: Update, lines: Vec<Line>) -> Result<(), Lost> {
        self.renew(progress, lines, more).await
    }

    /// Records a step that a later attempt can go on from. What failed before is behind it: attempts are counted anew.
    pub async fn checkpoint(&mut self, checkpoint: &str, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        self.renew(progress, lines, Update::new().set("checkpoint", checkpoint).set("attempts", 0_u64)).await?;
        self.attempts = 0;
        Ok(())
    }

    async fn renew(&mut self, progress: Progress, lines: Vec<Line>, more: Update) -> Result<(), Lost> {
        if let Owner::Parent(part_of) = &self.owner
            && lines.is_empty()
            && !self.jobs.is_wanted(part_of).await?
        {
            return Err(Lost::Superseded(None));
        }
        self.number_with_siblings(&lines).await?;
        let now = self.jobs.clock.now();
        let until = now.after(self.jobs.policy.lease);
        let step = self.step(progress, &lines).set("redeliver_at", self.jobs.abandoned_at(now)).and(more);
        lease::renew(&self.jobs.table, &self.key, &mut self.lease, until, step).await?;
        self.write(lines).await;
        Ok(())
    }

    /// Ends the job well: its result, its state, its charge and the counters in one transaction.
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
        self.finish(Status::Completed, Outcome::Completed, units_used, (result, Vec::new()), lines).await
    }

    /// Ends the job badly, for good.
    pub async fn fail(self, reason: &str, units_used: u64, lines: Vec<Line>) -> Result<(), Lost> {
        let reason = Update::new().set("error_message", reason);
        self.finish(Status::Failed, Outcome::Failed, units_used, (reason, Vec::new()), lines).await
    }

    /// Ends the job well, with what else is so of its item from now on, and what changes beside it.
    pub async fn complete_with(self, more: Update, beside: Vec<Beside>, lines: Vec<Line>) -> Result<(), Lost> {
        let more = more.set("progress", 100_u64).remove("error_message");
        self.finish(Status::Completed, Outcome::Completed, 0, (more, beside), lines).await
    }

    /// Ends the job badly, for good, with what else is so of its item from now on, and what changes beside it.
    pub async fn fail_with(
        self,
        reason: &str,
        more: Update,
        beside: Vec<Beside>,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        let more = more.set("error_message", reason);
        self.finish(Status::Failed, Outcome::Failed, 0, (more, beside), lines).await
    }

    async fn finish(
        mut self,
        status: Status,
        outcome: Outcome,
        units_used: u64,
        (more, beside): (Update, Vec<Beside>),
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        let units_used = match self.owner {
            Owner::Account(_) => units_used.min(self.units_reserved),
            // What a child uses is charged to its parent.
            Owner::Parent(_) => units_used,
        };
        self.number_with_siblings(&lines).await?;
        let (end, now) = (rules::release(self.lease.token, None, &new_nonce()), self.jobs.clock.now());
        let end = ended(end, status, units_used, now)
            .remove("checkpoint")
            .set("log_lines", self.log_lines + lines.len() as u64)
            .and(self.jobs.out_of_due(&self.owner, status, now))
            .and(more);
        let (units_reserved, holds_slot, redrives) = (self.units_reserved, self.holds_slot, self.redrives);
        let reports_to = self.reports_to.take();
        let ending = Ending { outcome, units_reserved, units_used, holds_slot, redrives, reports_to };
        self.jobs.commit_end(&self.key, &self.owner, end, ending, Together::of(beside)).await.map_err(superseded)?;
        self.write(lines).await;
        Ok(())
    }

    /// Gives the job back for another attempt, after a pause that grows with the attempts made.
    pub async fn retry(self, reason: &str, lines: Vec<Line>) -> Result<(), Lost> {
        self.retry_with(reason, Update::new(), lines).await
    }

    /// Gives the job back for another attempt as [`Self::retry`] does, with what else is so of its item from now on.
    pub async fn retry_with(mut self, reason: &str, more: Update, lines: Vec<Line>) -> Result<(), Lost> {
        self.number_with_siblings(&lines).await?;
        let pause = self.jobs.policy.retry_pause(self.attempts, fastrand::f64());
        let change = self.number(&lines).set("error_message", reason).and(more);
        self.give_back(pause, change, lines).await
    }

    /// Gives the job back to be gone on with from `checkpoint` at once: for work that is longer than a function may run. It is no failed
    /// attempt.
    pub async fn pause(mut self, checkpoint: &str, progress: Progress, lines: Vec<Line>) -> Result<(), Lost> {
        self.number_with_siblings(&lines).await?;
        let change = self.step(progress, &lines).set("checkpoint", checkpoint).set("attempts", 0_u64);
        self.give_back(Duration::ZERO, change, lines).await
    }

    /// Gives the job back until something else has ended that it has to wait for, or to be looked at again after a pause, with what else is so of its item
    /// from now on. Nothing was done of it: it is no attempt.
    pub async fn put_off(self, pause: Duration, more: Update) -> Result<(), Lost> {
        let change = self.number(&[]).set("attempts", self.attempts.saturating_sub(1)).and(more);
        self.give_back(pause, change, Vec::new()).await
    }

    /// Gives the job to the workers of another queue, at once. Nothing was done of it: it is no attempt.
    ///
    /// It keeps its slot and stays `running`, as one does whose children are at work. If it gave the slot back, the next in line would have it before
    /// the other workers came, and so again each time that it is handed on: it might never run. Kept, the slot is lost to nobody. Whoever gets
    /// the message goes on with the job as with one that was left, which takes no second slot; cancelled before that, it gives the slot back as it ends;
    /// a count of what runs counts it; and if the message is lost, recovery sends one for this very job. No slot becomes free, so nobody is
    /// woken.
    ///
    /// Each time it counts as lost twice as late as the time before: where the other queue is long it is not filled with copies.
    pub async fn hand_on(self, to: &Queue) -> Result<(), Lost> {
        let Self { jobs, key, lease, .. } = self;
        let now = jobs.clock.now();
        let change = Update::new()
            .set("attempts", self.attempts.saturating_sub(1))
            .set("handed_on", self.handed_on + 1)
            .set("redeliver_at", now.after(jobs.policy.redelivery_pause(self.handed_on)))
            .when(Condition::equal("status", Status::Running.as_str()));
        lease::release(&jobs.table, &key, lease, Some(now), change).await?;
        to.hint(&Hint::goes_on(key), Duration::ZERO).await;
        Ok(())
    }

    async fn give_back(mut self, pause: Duration, more: Update, lines: Vec<Line>) -> Result<(), Lost> {
        let now = self.jobs.clock.now();
        let again = Again::at(now.after(pause), now);
        let put_down = self.put_down(again, now).and(more);
        let mut transaction = Transaction::new().update(&self.jobs.table, &self.key, put_down)?;
        if self.holds_slot {
            transaction = transaction.update(&self.jobs.table, self.owner.key(), self.owner.give_slot_back())?;
        }
        transaction.commit(&self.jobs.table).await.map_err(superseded)?;
        self.write(lines).await;
        self.announce(again).await;
        Ok(())
    }

    /// Gives the job back until a later moment, when it begins anew ([`Jobs::start_rested`]): what this part of its work has used is charged now,
    /// and as much set aside again. Where the account has too little left for that, the job ends as failed, and says so.
    pub async fn rest_until(mut self, rest: Rest<'_>, lines: Vec<Line>) -> Result<Rested, Lost> {
        let Owner::Account(account) = &self.owner else {
            return Err(TableError::Broken("a part of a job does not rest".to_owned()).into());
        };
        let (now, table) = (self.jobs.clock.now(), &self.jobs.table);
        let units_used = rest.units_used.min(self.units_reserved);
        let again = Again::WhenDue(rest.until);
        let put_down = self
            .put_down(again, now)
            .and(self.number(&lines))
            .and(rest.result())
            .set("checkpoint", rest.checkpoint)
            .set("attempts", 0_u64)
            .set("progress", 0_u64)
            .set("units_used", 0_u64)
            .add("units_charged", i64::try_from(units_used).unwrap_or(i64::MAX))
            .set_or_remove("error_message", rest.note);
        let mut charge = Account::charge(units_used);
        if self.holds_slot {
            charge = charge.and(Slots::give_back());
        }
        let transaction = Transaction::new()
            .update(table, &self.key, put_down)?
            .update(table, account, charge)?
            .update(table, &usage::day_key(account, now), usage::charged(units_used))?
            .update(table, &usage::totals_key(account), usage::charged(units_used))?;
        let entry = Entry::charge(account, &self.key, self.lease.token, units_used, now);
        let charged = entry.add_to(transaction, table)?.commit(table).await;
        match charged {
            Ok(()) => {}
            Err(TableError::ConditionFailed(items)) if matches!(items.as_slice(), [None, Some(_), ..]) => {
                let ended = rest.result().set("error_message", OUT_OF_UNITS);
                self.finish(Status::Failed, Outcome::Failed, units_used, (ended, Vec::new()), lines).await?;
                return Ok(Rested::OutOfUnits);
            }
            Err(error) => return Err(superseded(error)),
        }
        self.write(lines).await;
        self.announce(again).await;
        Ok(Rested::Rests)
    }

    /// Hands the rest of the work out to children, of which `slots` may run at once. The job keeps its own slot, is nobody's until the last of them has
    /// ended, and is then gone on with from `checkpoint`: its `children` name the [`Join`] that says how they ended. Each child's item holds its
    /// [`Job`], its key by [`PartOf::child`] of [`Run::part_of`], and that as `part_of`.
    ///
    /// The children are inert until the join is there, which is one transaction with the job.
    pub async fn fan_out<T: Serialize + Sync>(
        self,
        children: &[T],
        slots: u32,
        checkpoint: &str,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        self.fan_out_with(children, slots, checkpoint, Vec::new(), lines).await
    }

    /// Hands the rest of the work out as [`Self::fan_out`] does, together with what changes beside the job.
    pub async fn fan_out_with<T: Serialize + Sync>(
        mut self,
        children: &[T],
        slots: u32,
        checkpoint: &str,
        beside: Vec<Beside>,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        if children.is_empty() || slots == 0 || matches!(self.owner, Owner::Parent(_)) {
            return Err(TableError::Broken("a job hands out one child or more, and is none itself".to_owned()).into());
        }
        let (part_of, table) = (self.part_of(), &self.jobs.table);
        table.put_many(children).await?;
        let join = Join::of(&part_of, children.len(), slots, self.log_lines + lines.len() as u64);
        let hand_out = rules::release(self.lease.token, None, &new_nonce())
            .and(self.number(&lines))
            .set("children", &part_of.join)
            .set("checkpoint", checkpoint)
            .set("attempts", 0_u64)
            .remove("redeliver_at")
            .when(Condition::equal("status", Status::Running.as_str()));
        let transaction =
            Transaction::new().update(table, &self.key, hand_out)?.put(table, &join, &Condition::Absent("pk"))?;
        add_all(transaction, table, beside, None)?.commit(table).await.map_err(superseded)?;
        self.write(lines).await;
        self.jobs.wake(&part_of.join.pk, slots).await;
        Ok(())
    }

    /// What giving back changes.
    fn put_down(&self, again: Again, now: Millis) -> Update {
        let patience = self.jobs.policy.redelivery_pause(0);
        let (from, redeliver_at) = match again {
            Again::AtOnce => (now, now.after(patience)),
            Again::Soon(moment) => (moment, moment.after(patience)),
            Again::WhenDue(moment) => (moment, moment),
        };
        let put_down = rules::release(self.lease.token, Some(from), &new_nonce())
            .set("status", Status::Pending.as_str())
            .set("redeliver_at", redeliver_at)
            .remove("holds_slot");
        match again {
            Again::AtOnce => put_down.copy("turn", "place"),
            Again::Soon(_) => put_down,
            Again::WhenDue(_) => put_down.set("job_kind", resting(self.jobs.kind)),
        }
    }

    /// Tells of a job that was given back, and of the slot that is free.
    async fn announce(&self, again: Again) {
        if let Again::Soon(moment) = again {
            let pause = self.jobs.clock.now().until(moment);
            self.jobs.queue.hint(&Hint::goes_on(self.key.clone()), pause).await;
        }
        if self.holds_slot || again == Again::AtOnce {
            self.jobs.wake(&self.key.pk, 1).await;
        }
    }

    fn step(&self, progress: Progress, lines: &[Line]) -> Update {
        self.number(lines).set("progress", u64::from(progress.percent)).set("units_used", progress.units_used)
    }

    /// Claims the numbers of these lines, in the write that this becomes a part of.
    fn number(&self, lines: &[Line]) -> Update {
        Update::new().set("log_lines", self.log_lines + lines.len() as u64).set("updated_at", self.jobs.clock.now())
    }

    /// Claims the numbers of a child's lines: they are its parent's, in one order with those of its siblings. Of a child that loses its lease right
    /// then they stay unused. [`Lost::Superseded`] if the parent does not want it any more.
    async fn number_with_siblings(&mut self, lines: &[Line]) -> Result<(), Lost> {
        if let Owner::Parent(part_of) = &self.owner
            && !lines.is_empty()
        {
            self.log_lines = self.jobs.number_lines(part_of, lines.len()).await.map_err(|error| match error {
                // What was refused is the join, not the job.
                TableError::ConditionFailed(_) => Lost::Superseded(None),
                error => Lost::Table(error),
            })?;
        }
        Ok(())
    }

    /// The job whose log its lines are in: itself, or its parent.
    fn logged_as(&self) -> &Key {
        match &self.owner {
            Owner::Account(_) => &self.key,
            Owner::Parent(part_of) => &part_of.parent,
        }
    }

    /// Writes lines under the numbers that were claimed for them. That the log lacks some is no reason to do the work again.
    async fn write(&mut self, lines: Vec<Line>) {
        let first = self.log_lines + 1;
        self.log_lines += lines.len() as u64;
        let Key { pk: group, sk: job } = self.logged_as();
        if let Err(error) = Box::pin(self.jobs.logs.write(group, job, first, lines)).await {
            tracing::warn!(%error, job = self.key.sk, "log lines were not written");
        }
    }
}

impl Rest<'_> {
    fn result(&self) -> Update {
        match self.result {
            Some((key, bytes)) => Update::new().set("result_key", key).set("result_bytes", bytes),
            None => Update::new(),
        }
    }
}

/// When a job goes on that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// At once: it waits in its place.
    AtOnce,
    /// It rests, and its message waits for as long.
    Soon(Millis),
    /// It rests until the scheduler starts it.
    WhenDue(Millis),
}

impl Again {
    fn at(moment: Millis, now: Millis) -> Self {
        match now.until(moment) {
            Duration::ZERO => Self::AtOnce,
            _ => Self::Soon(moment),
        }
    }
}

/// What the owner of a job reads that could not go on.
const OUT_OF_UNITS: &str = "Too few compute units are left to go on";

/// A failed condition as what it says to a holder: the job is not ours any more.
fn superseded(error: TableError) -> Lost {
    match error {
        TableError::ConditionFailed(items) => Lost::Superseded(items.into_iter().next().flatten()),
        error => Lost::Table(error),
    }
}
