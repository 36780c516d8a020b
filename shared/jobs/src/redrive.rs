//! Taking up a job of an account again that has failed: what an operator does when the fault is mended that its message died of.
//!
//! It is one transaction of the job, its account, what counts both, and the letter that tells of the message: so the same letter does it once,
//! whoever asks, and a job that has not failed is left alone. Its units are set aside anew, as if it were submitted now; what it was charged
//! before stays charged.

use std::time::Duration;

use table::{Condition, Item, Key, Millis, TableError, Transaction, Update, new_nonce};

use crate::account::{Account, Outcome};
use crate::beside::Elsewhere;
use crate::desk::Jobs;
use crate::ledger::Entry;
use crate::owner::{Owner, Snapshot, taken_up};
use crate::queue::Hint;
use crate::record::{Status, place};
use crate::usage;

/// How often it is tried while the job changes.
const RACES: u32 = 10;
/// The priority of a job that has no place of its own.
const MEDIUM: u8 = 5;

/// What came of a letter that was to be redriven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// What had failed waits for a worker again.
    Waits,
    /// What had not ended got its message again.
    Sent,
    /// The letter was redriven before.
    Before,
    /// It cannot be, and this is why.
    Impossible(&'static str),
}

impl Jobs {
    /// Takes up the job of a letter again, with `more` so of its item, or sends its message again if it has not ended; `letter` is how the letter is
    /// marked, on condition that it was not. A part of another's work is [`Jobs::reopen_with`]'s.
    pub async fn redrive(&self, key: &Key, more: &Update, letter: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        for _ in 0..RACES {
            let Some(item) = self.table.get_item(key, true).await? else {
                return Ok(Redriven::Impossible("its job is gone"));
            };
            let job = Snapshot::of(&item)?;
            let changed = match job.status {
                Status::Completed => return Ok(Redriven::Impossible("its job has completed")),
                Status::Cancelled => return Ok(Redriven::Impossible("its job was cancelled")),
                Status::Pending | Status::Running => match self.send_again(key, job.status, letter).await? {
                    Some(redriven) => return Ok(redriven),
                    None => continue,
                },
                Status::Failed if job.children.is_some() => {
                    return Ok(Redriven::Impossible("its parts have ended with it: submit it anew"));
                }
                Status::Failed => self.take_up(key, &item, &job, more, letter).await,
            };
            match changed {
                Ok(redriven) => return Ok(redriven),
                Err(TableError::ConditionFailed(items)) => match items.as_slice() {
                    [.., Some(_)] => return Ok(Redriven::Before),
                    [None, Some(_), ..] => {
                        return Ok(Redriven::Impossible("its account has too few compute units left"));
                    }
                    _ => {}
                },
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be taken up".to_owned()))
    }

    /// Marks the letter of a job or part that has not ended, while it is still so, and sends its message again; none if it is not so any more, and is to
    /// be looked at again. If the message is lost, recovery sends another.
    pub async fn send_again(
        &self,
        key: &Key,
        status: Status,
        letter: &Elsewhere<'_>,
    ) -> Result<Option<Redriven>, TableError> {
        let marked = Transaction::new()
            .check(&self.table, key, &Condition::equal("status", status.as_str()))?
            .update(letter.table, &letter.key, letter.update.clone())?
            .commit(&self.table)
            .await;
        match marked {
            Ok(()) => {
                self.queue.hint(&Hint::goes_on(key.clone()), Duration::ZERO).await;
                Ok(Some(Redriven::Sent))
            }
            Err(TableError::ConditionFailed(items)) => {
                Ok(matches!(items.as_slice(), [.., Some(_)]).then_some(Redriven::Before))
            }
            Err(error) => Err(error),
        }
    }

    async fn take_up(
        &self,
        key: &Key,
        item: &Item,
        job: &Snapshot,
        more: &Update,
        letter: &Elsewhere<'_>,
    ) -> Result<Redriven, TableError> {
        let Owner::Account(account) = job.owner()? else {
            return Ok(Redriven::Impossible("its job is a part of another: submit that one anew"));
        };
        if item.contains_key("is_cleaned") {
            return Ok(Redriven::Impossible("its job is gone"));
        }
        let (table, now, units, redrives) = (&self.table, self.clock.now(), job.units_reserved, job.redrives + 1);
        let reserve = Account::reserve(units).and(Account::forget(Outcome::Failed));
        let transaction = Transaction::new()
            .update(table, key, self.as_submitted(job, now).and(more.clone()))?
            .update(table, &account, reserve)?
            .update(table, &usage::day_key(&account, now), usage::submitted(None))?
            .update(table, &usage::totals_key(&account), usage::submitted(None))?;
        Entry::reserve(&account, &taken_up(key, redrives), units, now)
            .add_if_any(transaction, table)?
            .update(letter.table, &letter.key, letter.update.clone())?
            .commit(table)
            .await?;
        self.queue.hint(&Hint::waits(key.clone()), Duration::ZERO).await;
        Ok(Redriven::Waits)
    }

    /// The job, as if it were submitted now.
    fn as_submitted(&self, job: &Snapshot, now: Millis) -> Update {
        let place = job.place.clone().unwrap_or_else(|| place(MEDIUM, now.0));
        Update::new()
            .set("job_kind", self.kind)
            .set("status", Status::Pending.as_str())
            .set("progress", 0_u64)
            .set("attempts", 0_u64)
            .set("redrives", job.redrives + 1)
            .set("units_used", 0_u64)
            .add("units_charged", i64::try_from(job.units_used).unwrap_or(i64::MAX))
            .set("claimable_at", now)
            .set("updated_at", now)
            .set("redeliver_at", now.after(self.policy.redelivery_pause(0)))
            .set("redeliveries", 0_u64)
            .set("lease_nonce", new_nonce())
            .set("turn", place.as_str())
            .set("place", place.as_str())
            .remove("checkpoint")
            .remove("completed_at")
            .remove("error_message")
            // It reports to nobody a second time.
            .remove("reports_to")
            .when(Condition::equal("status", Status::Failed.as_str()))
            .when(Condition::equal("lease_token", job.lease_token))
            .when(Condition::Absent("is_cleaned"))
    }
}
