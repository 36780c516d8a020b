//! What was done, counted in the transaction that does it: by account and day, and in all. Never from a scan.
//!
//! | pattern | key condition |
//! |---|---|
//! | an account's days | `pk` of the account and `sk` between two `USAGE#2024-01-15` |
//! | the totals | `pk = TOTALS#00` to `TOTALS#31`, `sk = TOTALS` |

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Query, Table, TableError, Update};

use crate::account::{Outcome, signed};

/// How many parts the totals have. An account is always counted in the same one, so that counting adds no conflict between transactions that
/// meet on the account anyway; two accounts meet in a part once in 32 times. Two transactions that change one item at the same moment have to
/// follow each other, which takes some 20 ms: so all parts together bear some 300 tasks begun or ended a second before a tenth of them has to try
/// again. All are read by one `BatchGetItem`.
const PARTS: u32 = 32;
/// What the sort keys of days begin with.
const DAY: &str = "USAGE#";

/// What was counted; part of the item of a day, and of a part of the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Jobs that were submitted.
    #[serde(default)]
    pub submitted: u64,
    /// Jobs that ended well.
    #[serde(default)]
    pub completed: u64,
    /// Jobs that ended badly.
    #[serde(default)]
    pub failed: u64,
    /// Jobs that were cancelled.
    #[serde(default)]
    pub cancelled: u64,
    /// Compute units that were charged.
    #[serde(default)]
    pub units_used: u64,
    /// Accounts that were opened; in the totals only.
    #[serde(default)]
    pub accounts: u64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            submitted: self.submitted + more.submitted,
            completed: self.completed + more.completed,
            failed: self.failed + more.failed,
            cancelled: self.cancelled + more.cancelled,
            units_used: self.units_used + more.units_used,
            accounts: self.accounts + more.accounts,
        }
    }

    /// Jobs that have not ended.
    #[must_use]
    pub const fn open(self) -> u64 {
        self.submitted.saturating_sub(self.completed + self.failed + self.cancelled)
    }
}

/// Counts a job that was submitted. In the item of a day also by its sort, such as its type.
pub(crate) fn submitted(sort: Option<&'static str>) -> Update {
    let update = Update::new().add("submitted", 1);
    match sort {
        Some(sort) => update.add(sort, 1),
        None => update,
    }
}

/// Counts a job that has ended, and what it is charged.
pub(crate) fn ended(outcome: Outcome, units: u64) -> Update {
    let counter = match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
    };
    charged(units).add(counter, 1)
}

/// Counts what a job is charged that has not ended.
pub(crate) fn charged(units: u64) -> Update {
    Update::new().add("units_used", signed(units))
}

/// Counts an account that was opened.
#[must_use]
pub fn opened() -> Update {
    Update::new().add("accounts", 1)
}

/// Counts an e-mail that is sent for an account today (UTC), unless there were `most` of them; says whether it was counted.
pub async fn count_mail(table: &Table, account: &Key, now: Millis, most: u64) -> Result<bool, TableError> {
    let Some(last) = most.checked_sub(1) else { return Ok(false) };
    let may = Condition::Any(vec![Condition::Absent("mails"), Condition::at_most("mails", last)]);
    match table.update(&day_key(account, now), Update::new().add("mails", 1).when(may)).await {
        Ok(_) => Ok(true),
        Err(TableError::ConditionFailed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The key of an account's day.
#[must_use]
pub fn day_key(account: &Key, now: Millis) -> Key {
    Key::new(&account.pk, format!("{DAY}{}", now.day()))
}

/// The key of the part of the totals that an account is counted in.
#[must_use]
pub fn totals_key(account: &Key) -> Key {
    // FNV-1a: it must be the same in every release.
    let hash =
        account.pk.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    part_key(hash % PARTS)
}

fn part_key(part: u32) -> Key {
    Key::new(format!("TOTALS#{part:02}"), "TOTALS")
}

/// The days of an account from `first` to `last`, as `2024-01-15`, in order; days on which nothing happened are left out.
pub async fn days<T: DeserializeOwned>(
    table: &Table,
    account: &Key,
    first: &str,
    last: &str,
) -> Result<Vec<T>, TableError> {
    let range = Condition::Between("sk", format!("{DAY}{first}").into(), format!("{DAY}{last}").into());
    let mut query = Query::new(Condition::All(vec![Condition::equal("pk", account.pk.as_str()), range])).consistent();
    let mut days = Vec::new();
    loop {
        let page = table.query(query.clone()).await?;
        days.extend(page.items);
        match page.next {
            Some(next) => query = query.start(Some(next)),
            None => return Ok(days),
        }
    }
}

/// The totals of all accounts.
pub async fn totals(table: &Table) -> Result<Counts, TableError> {
    let keys: Vec<_> = (0..PARTS).map(part_key).collect();
    Ok(table.get_many::<Counts>(&keys).await?.into_iter().fold(Counts::default(), Counts::plus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_spread_over_all_parts_and_stay_in_theirs() {
        let account = |number: u32| Key::new(format!("USER#{number}"), "ACCOUNT");
        let parts: std::collections::BTreeSet<_> = (0..1_000).map(|number| totals_key(&account(number)).pk).collect();
        assert_eq!(parts.len(), PARTS as usize);
        assert_eq!(totals_key(&account(1)).pk, "TOTALS#22", "in every release");
    }

    #[test]
    fn a_jobs_life_is_counted_in_the_day_of_each_event() {
        let mut day = table::Item::new();
        assert!(submitted(Some("simple_scraping")).apply(&mut day));
        assert!(submitted(Some("monitoring")).apply(&mut day));
        assert!(ended(Outcome::Failed, 0).apply(&mut day));
        assert!(charged(5).apply(&mut day));
        let counts: Counts = table::decode(day.clone()).unwrap();
        assert_eq!(counts, Counts { submitted: 2, failed: 1, units_used: 5, ..Counts::default() });
        assert_eq!((counts.open(), day.contains_key("monitoring")), (1, true));
        let account = Key::new("USER#u", "ACCOUNT");
        assert_eq!(day_key(&account, Millis(1_705_363_199_999)), Key::new("USER#u", "USAGE#2024-01-15"));
    }
}
