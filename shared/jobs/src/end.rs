//! How jobs end: each in one transaction with what its owner has to know; and by others than their workers.

use std::time::Duration;

use table::{Condition, Item, Key, Millis, TableError, Transaction, Update, decode, new_nonce};

use crate::account::Outcome;
use crate::beside::{Beside, Elsewhere, add_all, with_report};
use crate::desk::Jobs;
use crate::join::{Join, PartOf};
use crate::owner::{Ending, Owner, Snapshot, add_end};
use crate::queue::Hint;
use crate::record::Status;
use crate::slots::Slots;

/// How often a change that lost a race against a worker's progress is tried again.
const RACES: u32 = 20;

/// The answer to a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The job has ended now, and will be worked on no more.
    Now {
        /// The join of the children that were let go with it. They, and what they have made, are to be cleared away
        /// ([`Jobs::drop_children`]); until then they are inert.
        children: Option<Key>,
    },
    /// It had ended before.
    AlreadyEnded,
    /// There is no such job.
    Missing,
}

/// How a job is ended from outside.
struct End<'reason> {
    status: Status,
    outcome: Outcome,
    reason: Option<&'reason str>,
    only_if: Option<Condition>,
    /// Whether it ends as what its own request has led to, and not as another asks for: then the log lines go on with its trace.
    by_itself: bool,
}

/// What changes together with a job's end, beside its owner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Together<'jobs> {
    /// The children that are let go.
    pub children: Option<&'jobs Join>,
    /// Other items of the table.
    pub beside: Vec<Beside>,
    /// An item of another table.
    pub elsewhere: Option<&'jobs Elsewhere<'jobs>>,
}

impl Together<'_> {
    /// These other items of the table.
    pub(crate) fn of(beside: Vec<Beside>) -> Self {
        Self { beside, ..Self::default() }
    }
}

impl Jobs {
    /// Ends the job for its owner, charging what its worker has recorded so far, or its children; a worker that is at it is told by its next
    /// step.
    pub async fn cancel(&self, key: &Key) -> Result<Cancelled, TableError> {
        self.cancel_with(key, None).await
    }

    /// Ends the job as [`Self::cancel`] does, together with a change of another table.
    pub async fn cancel_with(&self, key: &Key, elsewhere: Option<&Elsewhere<'_>>) -> Result<Cancelled, TableError> {
        let end = End {
            status: Status::Cancelled,
            outcome: Outcome::Cancelled,
            reason: None,
            only_if: None,
            by_itself: false,
        };
        self.end(key, end, elsewhere).await
    }

    /// Ends the job as failed if nobody is at it: for a job whose message kept failing. One that is being worked on is left alone.
    pub async fn give_up(&self, key: &Key, reason: &str) -> Result<Cancelled, TableError> {
        let idle = Condition::at_most("claimable_at", self.clock.now());
        let end = End {
            status: Status::Failed,
            outcome: Outcome::Failed,
            reason: Some(reason),
            only_if: Some(idle),
            by_itself: true,
        };
        self.end(key, end, None).await
    }

    /// Ends a job from outside. The condition is the job as it was read, so that what is charged is what was recorded.
    async fn end(&self, key: &Key, end: End<'_>, elsewhere: Option<&Elsewhere<'_>>) -> Result<Cancelled, TableError> {
        for _ in 0..RACES {
            let Some(item) = self.table.get_item(key, true).await? else { return Ok(Cancelled::Missing) };
            let job = Snapshot::of(&item)?;
            if let Some(trace) = job.trace.as_ref().filter(|_| end.by_itself) {
                telemetry::go_on_with(trace);
            }
            if job.status.is_final() || end.only_if.as_ref().is_some_and(|condition| !condition.holds(&item)) {
                return Ok(Cancelled::AlreadyEnded);
            }
            let children = self.open_join(job.children.as_ref()).await?;
            let units_used = job.units_used + children.as_ref().map_or(0, |join| join.units_used);
            let owner = job.owner()?;
            let now = self.clock.now();
            let mut change = end.change(&job, units_used, now).and(self.out_of_due(&owner, end.status, now));
            if let Some(join) = &children {
                change = change.set("log_lines", join.log_lines);
            }
            let ending = Ending {
                outcome: end.outcome,
                units_reserved: job.units_reserved,
                units_used,
                holds_slot: job.holds_slot,
                redrives: job.redrives,
                reports_to: job.reports_to.clone(),
            };
            let together = Together { children: children.as_ref(), elsewhere, ..Together::default() };
            match self.commit_end(key, &owner, change, ending, together).await {
                Ok(()) => return Ok(Cancelled::Now { children: children.map(|join| join.key) }),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be ended".to_owned()))
    }

    async fn open_join(&self, children: Option<&Key>) -> Result<Option<Join>, TableError> {
        let Some(children) = children else { return Ok(None) };
        Ok(self.join(children).await?.filter(|join| join.is_open))
    }

    /// Ends a job: `change`, which holds the condition, with what its owner has to know, and what else changes with it. Wakes whoever may go on because of
    /// it.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] if the job is not any more as `change` wants it, or its parent does not want it.
    pub(crate) async fn commit_end(
        &self,
        key: &Key,
        owner: &Owner,
        change: Update,
        ending: Ending,
        Together { children, beside, elsewhere }: Together<'_>,
    ) -> Result<(), TableError> {
        let beside = with_report(beside, ending.reports_to.clone(), ending.outcome);
        match owner {
            Owner::Account(account) => {
                let mut transaction = Transaction::new().update(&self.table, key, change)?;
                transaction = add_end(transaction, &self.table, account, key, &ending, self.clock.now())?;
                if let Some(join) = children {
                    transaction = transaction.update(&self.table, &join.key, join.close())?;
                }
                add_all(transaction, &self.table, beside, elsewhere)?.commit(&self.table).await?;
            }
            Owner::Parent(part_of) => {
                self.end_child(key, part_of, &change, &ending, &beside, elsewhere).await?;
            }
        }
        if ending.holds_slot {
            self.wake(&key.pk, 1).await;
        }
        Ok(())
    }

    /// Ends a child, and counts it. Most are not the last one: so this is guessed, and known by the refusal.
    async fn end_child(
        &self,
        key: &Key,
        part_of: &PartOf,
        change: &Update,
        ending: &Ending,
        beside: &[Beside],
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<(), TableError> {
        let mut is_last = false;
        for _ in 0..RACES {
            let mut count = Join::child_ended(is_last, ending.outcome, ending.units_used);
            if ending.holds_slot {
                count = count.and(Slots::give_back());
            }
            let mut transaction = Transaction::new().update(&self.table, key, change.clone())?.update(
                &self.table,
                &part_of.join,
                count,
            )?;
            if is_last {
                transaction = transaction.update(&self.table, &part_of.parent, self.awakening(part_of))?;
            }
            match add_all(transaction, &self.table, beside.to_vec(), elsewhere)?.commit(&self.table).await {
                Ok(()) if is_last => {
                    self.queue.hint(&Hint::goes_on(part_of.parent.clone()), Duration::ZERO).await;
                    return Ok(());
                }
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed(items)) => match self.other_guess(is_last, &items, part_of).await? {
                    Some(guess) => is_last = guess,
                    None => return Err(TableError::ConditionFailed(items)),
                },
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the other children end faster than this one can".to_owned()))
    }

    /// Whether the child is the last one, if only that was guessed wrongly; none if it must not end.
    async fn other_guess(
        &self,
        was_last: bool,
        refused: &[Option<Item>],
        part_of: &PartOf,
    ) -> Result<Option<bool>, TableError> {
        let job_and_parent_agree =
            refused.first().is_some_and(Option::is_none) && !(was_last && matches!(refused.get(2), Some(Some(_))));
        if !job_and_parent_agree {
            return Ok(None);
        }
        let Some(join) = self.table.get_item(&part_of.join, true).await? else { return Ok(None) };
        let join: Join = decode(join)?;
        let is_last = join.children_open == 1;
        Ok((join.is_open && is_last != was_last).then_some(is_last))
    }

    /// Makes a parent claimable whose last child ends.
    fn awakening(&self, part_of: &PartOf) -> Update {
        let now = self.clock.now();
        Update::new()
            .set("claimable_at", now)
            .set("updated_at", now)
            .set("redeliver_at", now.after(self.policy.redelivery_pause(0)))
            .set("redeliveries", 0_u64)
            .when(Condition::equal("status", Status::Running.as_str()))
            .when(Condition::equal("lease_token", part_of.parent_token))
            .when(Condition::Absent("lease_owner"))
    }
}

impl End<'_> {
    fn change(&self, job: &Snapshot, units_used: u64, now: Millis) -> Update {
        let mut change = ended(Update::new(), self.status, units_used, now)
            .set("lease_nonce", new_nonce())
            .remove("claimable_at")
            .remove("lease_owner")
            .when(Condition::equal("lease_token", job.lease_token))
            .when(Condition::equal("units_used", job.units_used))
            // Not one that has taken a slot, or given it back, since it was read.
            .when(Condition::equal("status", job.status.as_str()));
        if let Some(reason) = self.reason {
            change = change.set("error_message", reason);
        }
        self.only_if.iter().cloned().fold(change, Update::when)
    }
}

/// What every end changes, beside the place in the index `due` ([`Jobs::out_of_due`]).
pub(crate) fn ended(change: Update, status: Status, units_used: u64, now: Millis) -> Update {
    change
        .set("status", status.as_str())
        .set("units_used", units_used)
        .set("updated_at", now)
        .set("completed_at", now)
        .remove("turn")
        .remove("holds_slot")
}
