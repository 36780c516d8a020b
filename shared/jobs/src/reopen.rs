//! Taking up a part of a job again that has failed: also after its parent has ended, which then runs again until the part has ended too.
//!
//! It is one transaction of the part, the join, the parent and, where that had ended, its account. The part is claimed by the parent's token as it
//! is now, so that its end is the end of this work and of no other. The parent takes a slot whether one is free or not: it is let in again, not
//! admitted anew. It reports to nobody a second time.

use std::time::Duration;

use table::{AttributeValue, Condition, Item, Key, Millis, TableError, Transaction, Update, encode, new_nonce};

use crate::account::{Account, Outcome};
use crate::beside::{Beside, Elsewhere, add_all};
use crate::desk::Jobs;
use crate::join::{Join, PartOf};
use crate::owner::{Owner, Snapshot};
use crate::record::Status;
use crate::slots::Slots;
use crate::usage;

/// How often it is tried while the parent, or another of its parts, moves.
const RACES: u32 = 10;
/// How long is waited for a parent that is just ending.
const PAUSE: Duration = Duration::from_millis(50);

/// The answer to a part's being taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// It waits for a worker.
    Waits,
    /// It has not failed.
    NotFailed,
    /// Its parent was cancelled, or is gone, or was charged for its work.
    NotWanted,
    /// Its parent is just being ended: it can be tried again in a moment.
    Ending,
    /// There is no such part.
    Missing,
    /// What was to change elsewhere was not as it had to be.
    Elsewhere,
}

/// Where a parent stands that a part is to be added to again.
enum Parent {
    /// It waits for other parts.
    Waits,
    /// Its last part has ended, and nobody has begun to put it together.
    Woken,
    /// It has ended.
    Ended(Outcome),
}

impl Jobs {
    /// Takes up a part again that has failed, with `more` so of its item, and what changes beside it.
    pub async fn reopen(&self, key: &Key, more: Update, beside: Vec<Beside>) -> Result<Reopened, TableError> {
        self.reopen_with(key, more, beside, None).await
    }

    /// Takes up a part again as [`Self::reopen`] does, together with a change of another table.
    pub async fn reopen_with(
        &self,
        key: &Key,
        more: Update,
        beside: Vec<Beside>,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<Reopened, TableError> {
        for _ in 0..RACES {
            let Some(part) = self.table.get_item(key, true).await? else { return Ok(Reopened::Missing) };
            let job = Snapshot::of(&part)?;
            let Owner::Parent(part_of) = job.owner()? else { return Ok(Reopened::NotWanted) };
            if job.status != Status::Failed {
                return Ok(Reopened::NotFailed);
            }
            let (parent, join) = tokio::join!(self.table.get_item(&part_of.parent, true), self.join(&part_of.join));
            let (Some(item), Some(join)) = (parent?, join?) else { return Ok(Reopened::NotWanted) };
            let parent = Snapshot::of(&item)?;
            if !join.is_open || parent.status == Status::Cancelled || parent.units_reserved > 0 {
                return Ok(Reopened::NotWanted);
            }
            let Some(standing) = standing(&item, &parent, &join) else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let now = self.clock.now();
            let again = PartOf { parent_token: parent.lease_token, ..part_of.clone() };
            let transaction = Transaction::new()
                .update(&self.table, key, self.again(&job, &again, now)?.and(more.clone()))?
                .update(&self.table, &part_of.join, one_more(&standing))?
                .update(&self.table, &part_of.parent, self.wait(&standing, &parent, now))?;
            let transaction = match (&standing, parent.owner()?) {
                (Parent::Ended(outcome), Owner::Account(account)) => {
                    self.count(transaction, &account, *outcome, now)?
                }
                _ => transaction,
            };
            let transaction = add_all(transaction, &self.table, beside.clone(), elsewhere)?;
            match transaction.commit(&self.table).await {
                Ok(()) => {
                    self.wake(&part_of.join.pk, 1).await;
                    return Ok(Reopened::Waits);
                }
                Err(TableError::ConditionFailed(items))
                    if elsewhere.is_some() && matches!(items.last(), Some(Some(_))) =>
                {
                    return Ok(Reopened::Elsewhere);
                }
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Reopened::Ending)
    }

    /// The part, as if it were submitted now.
    fn again(&self, job: &Snapshot, part_of: &PartOf, now: Millis) -> Result<Update, TableError> {
        Ok(Update::new()
            .set("status", Status::Pending.as_str())
            .set("part_of", AttributeValue::M(encode(part_of)?))
            .set("progress", 0_u64)
            .set("attempts", 0_u64)
            .set("claimable_at", now)
            .set("updated_at", now)
            .set("redeliver_at", now.after(self.policy.redelivery_pause(0)))
            .set("redeliveries", 0_u64)
            .set("lease_nonce", new_nonce())
            .copy("turn", "place")
            .remove("completed_at")
            .remove("error_message")
            .when(Condition::equal("status", Status::Failed.as_str()))
            .when(Condition::equal("lease_token", job.lease_token)))
    }

    /// Counts in the account of a parent that it runs again.
    fn count(
        &self,
        transaction: Transaction,
        account: &Key,
        outcome: Outcome,
        now: Millis,
    ) -> Result<Transaction, TableError> {
        transaction
            .update(&self.table, account, Account::take_up(outcome).and(Slots::take_beyond()))?
            .update(&self.table, &usage::day_key(account, now), usage::submitted(None))?
            .update(&self.table, &usage::totals_key(account), usage::submitted(None))
    }

    /// The parent, waiting for its parts.
    fn wait(&self, standing: &Parent, parent: &Snapshot, now: Millis) -> Update {
        let wait = Update::new()
            .set("updated_at", now)
            .set("attempts", 0_u64)
            .when(Condition::equal("status", parent.status.as_str()))
            .when(Condition::equal("lease_token", parent.lease_token));
        match standing {
            Parent::Waits => wait,
            Parent::Woken => wait.remove("claimable_at").remove("redeliver_at").when(Condition::Absent("lease_owner")),
            Parent::Ended(_) => wait
                .set("status", Status::Running.as_str())
                .set("holds_slot", true)
                .set("job_kind", self.kind)
                .remove("redeliver_at")
                .remove("completed_at")
                .remove("error_message")
                .remove("reports_to"),
        }
    }
}

/// Where the parent stands; none while somebody puts it together, or will begin to without being asked.
fn standing(item: &Item, parent: &Snapshot, join: &Join) -> Option<Parent> {
    match parent.status {
        Status::Running if join.children_open > 0 => Some(Parent::Waits),
        Status::Running if !item.contains_key("lease_owner") => Some(Parent::Woken),
        status => Outcome::of(status).map(Parent::Ended),
    }
}

/// The join, with one part more that has not ended.
fn one_more(parent: &Parent) -> Update {
    let others = match parent {
        Parent::Waits => Condition::at_least("children_open", 1_u64),
        Parent::Woken | Parent::Ended(_) => Condition::equal("children_open", 0_u64),
    };
    Update::new()
        .add("children_open", 1)
        .add("children_failed", -1)
        .when(Join::is_wanted())
        .when(Condition::at_least("children_failed", 1_u64))
        .when(others)
}
