//! The account that jobs are charged to: compute units, counts of jobs, and slots. Changed only in a transaction with the job concerned and
//! with the entry of the ledger that tells of it, so that `units_available + units_reserved + units_used` stays what was granted, whatever is
//! repeated or killed.

use serde::{Deserialize, Serialize};
use table::{Condition, Update};

use crate::record::Status;
use crate::slots::Slots;

/// An account's balance, counters and slots; flatten it into the item that is the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Compute units that may still be reserved. Below zero where more is reserved than a smaller plan grants.
    pub units_available: i64,
    /// Compute units set aside for jobs that have not ended.
    pub units_reserved: i64,
    /// Compute units charged.
    pub units_used: i64,
    /// Jobs that have not ended.
    #[serde(default)]
    pub jobs_open: i64,
    /// Jobs that ended well.
    #[serde(default)]
    pub jobs_completed: i64,
    /// Jobs that ended badly.
    #[serde(default)]
    pub jobs_failed: i64,
    /// Jobs that were cancelled.
    #[serde(default)]
    pub jobs_cancelled: i64,
    /// How many of its jobs may run at once.
    #[serde(flatten)]
    pub slots: Slots,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Completed,
    /// Badly.
    Failed,
    /// By its owner.
    Cancelled,
}

impl Account {
    /// A new account, granted so many units, so many of whose jobs may run at once.
    #[must_use]
    pub fn granted(units: u64, slots: u32) -> Self {
        Self { units_available: signed(units), slots: Slots::of(slots), ..Self::default() }
    }

    /// Sets units aside for a new job, if there are enough.
    #[must_use]
    pub fn reserve(units: u64) -> Update {
        let amount = signed(units);
        Update::new()
            .add("units_available", -amount)
            .add("units_reserved", amount)
            .add("jobs_open", 1)
            .when(Condition::at_least("units_available", units))
    }

    /// Charges what a job has used that goes on, and sets as much aside anew, if there is enough.
    pub(crate) fn charge(used: u64) -> Update {
        Update::new()
            .add("units_used", signed(used))
            .add("units_available", -signed(used))
            .when(Condition::at_least("units_available", used))
    }

    /// Charges what an ended job has used, and gives back the rest of what was set aside. A job is never charged more than that.
    #[must_use]
    pub fn settle(reserved: u64, used: u64, outcome: Outcome) -> Update {
        let used = used.min(reserved);
        Update::new()
            .add("units_reserved", -signed(reserved))
            .add("units_used", signed(used))
            .add("units_available", signed(reserved - used))
            .add("jobs_open", -1)
            .add(outcome.counter(), 1)
    }

    /// Takes up a job again that had ended so.
    pub(crate) fn take_up(outcome: Outcome) -> Update {
        Update::new().add("jobs_open", 1).add(outcome.counter(), -1)
    }

    /// Counts a job no more that ended so: it is deleted.
    #[must_use]
    pub fn forget(outcome: Outcome) -> Update {
        Update::new().add(outcome.counter(), -1)
    }
}

impl Outcome {
    /// The account's counter of it.
    const fn counter(self) -> &'static str {
        match self {
            Self::Completed => "jobs_completed",
            Self::Failed => "jobs_failed",
            Self::Cancelled => "jobs_cancelled",
        }
    }

    /// The status of a job that has ended so.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// How a job has ended whose status this is; none if it has not.
    #[must_use]
    pub const fn of(status: Status) -> Option<Self> {
        match status {
            Status::Completed => Some(Self::Completed),
            Status::Failed => Some(Self::Failed),
            Status::Cancelled => Some(Self::Cancelled),
            Status::Pending | Status::Running => None,
        }
    }

    /// Tells the item that a job reports to how the job ended.
    pub(crate) fn report(self) -> Update {
        let counter = match self {
            Self::Completed => "ended_completed",
            Self::Failed => "ended_failed",
            Self::Cancelled => "ended_cancelled",
        };
        Update::new().add(counter, 1).set("last_outcome", self.status().as_str()).remove("active_run")
    }
}

pub(crate) fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use table::{AttributeValue, Item};

    use super::*;

    fn account(units: i64) -> Item {
        let number = |n: i64| AttributeValue::N(n.to_string());
        ["units_available", "units_reserved", "units_used"]
            .into_iter()
            .zip([number(units), number(0), number(0)])
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn read(account: &Item, name: &str) -> i64 {
        account.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0)
    }

    #[test]
    fn units_are_moved_and_never_made_or_lost() {
        for (granted, reserved, used, charged) in [(10, 4, 3, 3), (10, 10, 0, 0), (10, 2, 99, 2), (0, 0, 0, 0)] {
            let mut item = account(granted);
            assert!(Account::reserve(reserved).apply(&mut item));
            assert!(Account::settle(reserved, used, Outcome::Completed).apply(&mut item));
            assert_eq!(read(&item, "units_used"), charged);
            assert_eq!(read(&item, "units_reserved"), 0);
            assert_eq!(read(&item, "units_available") + charged, granted);
            assert_eq!((read(&item, "jobs_open"), read(&item, "jobs_completed")), (0, 1));
        }
    }

    #[test]
    fn no_more_is_reserved_than_there_is() {
        let mut item = account(3);
        assert!(!Account::reserve(4).apply(&mut item));
        assert!(Account::reserve(3).apply(&mut item));
        assert!(!Account::reserve(1).apply(&mut item));
    }
}
