//! The rules, sent to a table. Each is one conditional write; `also` makes further changes to the item in the same write.

use std::time::Duration;

use table::{AttributeValue, Condition, Item, Key, Millis, Table, TableError, Update, new_nonce};
use thiserror::Error;

use crate::rules;
use crate::state::Lease;

/// The answer to a claim.
#[derive(Debug)]
pub enum Claim {
    /// The item is ours, and this is what it is like now.
    Granted(Lease, Item),
    /// It is not to be had now; the item as it is, if there is one.
    Refused(Option<Item>),
}

/// Why a write under a lease was not made.
#[derive(Debug, Error)]
pub enum Lost {
    /// The lease is not ours any more (or `also` had a condition that did not hold); the item as it is, if there is one.
    #[error("the lease is lost")]
    Superseded(Option<Item>),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Claims the item for `owner`, for `duration` from `now`.
///
/// A claim that was applied and whose answer was lost looks refused when the SDK repeats it: the item then carries our own nonce.
pub async fn claim(
    table: &Table,
    key: &Key,
    now: Millis,
    owner: &str,
    duration: Duration,
    also: Update,
) -> Result<Claim, TableError> {
    let nonce = new_nonce();
    let granted = |item: Item| {
        let token = item.get("lease_token").and_then(|token| token.as_n().ok()?.parse().ok()).unwrap_or_default();
        Claim::Granted(Lease { token, expires_at: now.after(duration) }, item)
    };
    match table.update(key, rules::claim(now, owner, duration, &nonce).and(also)).await {
        Ok(item) => Ok(granted(item)),
        Err(TableError::ConditionFailed(items)) => match table.refused(key, items).await? {
            Some(item) if carries(&item, &nonce) => Ok(granted(item)),
            item => Ok(Claim::Refused(item)),
        },
        Err(error) => Err(error),
    }
}

/// Keeps the item until `until`, and gives it as it is now. Repeating it changes nothing more, if that is true of `also`. Where the lease
/// already lasts longer (the clock was set back), nothing is changed, `also` included.
pub async fn renew(table: &Table, key: &Key, lease: &mut Lease, until: Millis, also: Update) -> Result<Item, Lost> {
    match table.update(key, rules::renew(lease.token, until).and(also)).await {
        Ok(item) => {
            lease.expires_at = until;
            Ok(item)
        }
        Err(TableError::ConditionFailed(items)) => match table.refused(key, items).await? {
            Some(item) if rules::held(lease.token).holds(&item) && lasts_beyond(until).holds(&item) => Ok(item),
            item => Err(Lost::Superseded(item)),
        },
        Err(error) => Err(error.into()),
    }
}

fn lasts_beyond(moment: Millis) -> Condition {
    Condition::at_least("claimable_at", Millis(moment.0.saturating_add(1)))
}

/// Gives the item back, to be claimed from `claimable_at` on, or never again.
pub async fn release(
    table: &Table,
    key: &Key,
    lease: Lease,
    claimable_at: Option<Millis>,
    also: Update,
) -> Result<Item, Lost> {
    let nonce = new_nonce();
    match table.update(key, rules::release(lease.token, claimable_at, &nonce).and(also)).await {
        Ok(item) => Ok(item),
        Err(TableError::ConditionFailed(items)) => match table.refused(key, items).await? {
            Some(item) if carries(&item, &nonce) => Ok(item),
            item => Err(Lost::Superseded(item)),
        },
        Err(error) => Err(error.into()),
    }
}

/// Whether an item carries the mark of a write: what was refused because it had been done before its answer was lost is known by it.
#[must_use]
pub fn carries(item: &Item, nonce: &str) -> bool {
    item.get("lease_nonce").and_then(|found| AttributeValue::as_s(found).ok()).is_some_and(|found| found == nonce)
}
