//! The ledger: every movement of an account's units, written in the transaction that moves them, and never changed. The sum of an account's
//! entries is its balance at any moment.
//!
//! | pattern | key condition |
//! |---|---|
//! | the entries of an account | `pk` of the account and `sk` begins with `LEDGER#` |
//!
//! An entry's key says what happened, so that it can happen once: the same period is granted once, the same job reserves once and is settled
//! once, whoever tries again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Query, Table, TableError, Transaction};
use thiserror::Error;

use crate::account::{Account, signed};

/// What the sort keys of entries begin with.
const PREFIX: &str = "LEDGER#";
/// How many entries are read at a time.
const PAGE: u32 = 1_000;

/// Why units moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// A period has begun, with the units of its plan.
    Grant,
    /// A period has ended, and with it what was left of its units. What was set aside then is charged to the next.
    Expiry,
    /// The plan changed within a period: units came or went.
    PlanChange,
    /// A job was submitted: its estimate is set aside.
    Reserve,
    /// A job has done a part of its work and goes on later: what it used is charged, and as much set aside anew.
    Charge,
    /// A job has ended: what it used is charged, the rest given back.
    Settle,
}

impl Movement {
    const fn as_key(self) -> &'static str {
        match self {
            Self::Grant => "GRANT",
            Self::Expiry => "EXPIRY",
            Self::PlanChange => "PLAN",
            Self::Reserve => "RESERVE",
            Self::Charge => "CHARGE",
            Self::Settle => "SETTLE",
        }
    }
}

/// One movement: by how much each part of the balance changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its key, which can exist once.
    #[serde(flatten)]
    pub key: Key,
    /// Why.
    pub movement: Movement,
    /// What moved them: the reference of a period or of a change of plan, or the job.
    pub reference: String,
    /// When.
    pub at: Millis,
    /// The change of `units_available`.
    pub available: i64,
    /// The change of `units_reserved`.
    pub reserved: i64,
    /// The change of `units_used`.
    pub used: i64,
}

impl Entry {
    fn new(account: &Key, movement: Movement, reference: String, at: Millis) -> Self {
        let key = entry_key(account, movement, &reference);
        Self { key, movement, reference, at, available: 0, reserved: 0, used: 0 }
    }

    /// A period of so many units began.
    #[must_use]
    pub fn grant(account: &Key, reference: &str, units: u64, at: Millis) -> Self {
        Self { available: signed(units), ..Self::new(account, Movement::Grant, reference.to_owned(), at) }
    }

    /// The period `reference` has ended. All of its units go: what was left, what was set aside (which the next period's units stand for from
    /// now on), and what was used.
    #[must_use]
    pub fn expiry(account: &Key, reference: &str, balance: &Account, at: Millis) -> Self {
        Self {
            available: -(balance.units_available + balance.units_reserved),
            used: -balance.units_used,
            ..Self::new(account, Movement::Expiry, reference.to_owned(), at)
        }
    }

    /// Another plan within a period: so many units more, or fewer.
    #[must_use]
    pub fn plan_change(account: &Key, reference: &str, units: i64, at: Millis) -> Self {
        Self { available: units, ..Self::new(account, Movement::PlanChange, reference.to_owned(), at) }
    }

    /// A job was submitted.
    #[must_use]
    pub fn reserve(account: &Key, job: &Key, units: u64, at: Millis) -> Self {
        let amount = signed(units);
        let entry = Self::new(account, Movement::Reserve, name_of(account, job), at);
        Self { available: -amount, reserved: amount, ..entry }
    }

    /// A job has done the part of its work that it held the lease `token` for.
    #[must_use]
    pub fn charge(account: &Key, job: &Key, token: u64, used: u64, at: Millis) -> Self {
        let entry = Self::new(account, Movement::Charge, format!("{}#{token}", name_of(account, job)), at);
        Self { available: -signed(used), used: signed(used), ..entry }
    }

    /// A job has ended; as [`Account::settle`] has it.
    #[must_use]
    pub fn settle(account: &Key, job: &Key, reserved: u64, used: u64, at: Millis) -> Self {
        let used = used.min(reserved);
        let entry = Self::new(account, Movement::Settle, name_of(account, job), at);
        Self { available: signed(reserved - used), reserved: -signed(reserved), used: signed(used), ..entry }
    }

    /// Adds the entry to a transaction, which fails if it is there already.
    pub fn add_to(&self, transaction: Transaction, table: &Table) -> Result<Transaction, TableError> {
        transaction.put(table, self, &Condition::Absent("pk"))
    }

    /// Adds the entry to a transaction if it moves anything: a job that costs nothing leaves no trace in the ledger.
    pub(crate) fn add_if_any(&self, transaction: Transaction, table: &Table) -> Result<Transaction, TableError> {
        if (self.available, self.reserved, self.used) == (0, 0, 0) {
            return Ok(transaction);
        }
        self.add_to(transaction, table)
    }
}

/// The key of an entry.
#[must_use]
pub fn entry_key(account: &Key, movement: Movement, reference: &str) -> Key {
    Key::new(&account.pk, format!("{PREFIX}{}#{reference}", movement.as_key()))
}

/// What a job is called in the ledger of its account: what tells it from all others.
fn name_of(account: &Key, job: &Key) -> String {
    if job.pk == account.pk { job.sk.clone() } else { format!("{}#{}", job.pk, job.sk) }
}

/// All entries of an account, by their keys.
pub async fn entries(table: &Table, account: &Key) -> Result<Vec<Entry>, TableError> {
    let all = Condition::Between("sk", PREFIX.into(), format!("{PREFIX}~").into());
    let mut query = Query::new(Condition::All(vec![Condition::equal("pk", account.pk.as_str()), all]));
    query = query.consistent().limit(PAGE);
    let mut entries = Vec::new();
    loop {
        let page = table.query(query.clone()).await?;
        entries.extend(page.items);
        match page.next {
            Some(next) => query = query.start(Some(next)),
            None => return Ok(entries),
        }
    }
}

/// Where a ledger and its account do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Discrepancy {
    /// The entries add up to something else than the balance.
    #[error("the entries add up to {entries:?}, and the balance is {balance:?} (available, reserved, used)")]
    Sum {
        /// What the entries add up to.
        entries: (i64, i64, i64),
        /// What the account says.
        balance: (i64, i64, i64),
    },
    /// A job was settled otherwise than it had reserved.
    #[error("the job {job} has reserved {reserved} units and settled {settled}")]
    Job {
        /// The job.
        job: String,
        /// What its entry of submission set aside.
        reserved: i64,
        /// What its entry of settlement let go.
        settled: i64,
    },
    /// A job was charged less than nothing or more than it had reserved.
    #[error("the job {0} was charged beyond what it had reserved")]
    Charge(String),
    /// What is set aside is not what the jobs that have not ended have reserved.
    #[error("{reserved} units are set aside, and open jobs have reserved {open}")]
    Open {
        /// What the account says.
        reserved: i64,
        /// What the jobs' entries say.
        open: i64,
    },
}

/// Checks that a ledger and its account agree: as a whole, and job by job.
pub fn check(entries: &[Entry], account: &Account) -> Result<(), Discrepancy> {
    let sum = entries
        .iter()
        .fold((0, 0, 0), |sum, entry| (sum.0 + entry.available, sum.1 + entry.reserved, sum.2 + entry.used));
    let balance = (account.units_available, account.units_reserved, account.units_used);
    if sum != balance {
        return Err(Discrepancy::Sum { entries: sum, balance });
    }
    let of = |movement| entries.iter().filter(move |entry| entry.movement == movement);
    let mut open: BTreeMap<&str, i64> = of(Movement::Reserve).map(|e| (e.reference.as_str(), e.reserved)).collect();
    for entry in of(Movement::Settle) {
        let reserved = open.remove(entry.reference.as_str()).unwrap_or(0);
        if reserved != -entry.reserved {
            return Err(Discrepancy::Job { job: entry.reference.clone(), reserved, settled: -entry.reserved });
        }
        if entry.used < 0 || entry.available < 0 || entry.used + entry.available != reserved {
            return Err(Discrepancy::Charge(entry.reference.clone()));
        }
    }
    let open = open.values().sum();
    if open != account.units_reserved {
        return Err(Discrepancy::Open { reserved: account.units_reserved, open });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Key {
        Key::new("USER#u", "ACCOUNT")
    }

    fn job(number: u64) -> Key {
        Key::new("USER#u", format!("TASK#{number}"))
    }

    fn balance(available: i64, reserved: i64, used: i64) -> Account {
        Account { units_available: available, units_reserved: reserved, units_used: used, ..Account::default() }
    }

    #[test]
    fn an_entry_exists_once_for_what_it_tells() {
        let at = Millis(1);
        for (entry, sk) in [
            (Entry::grant(&account(), "month-1", 10, at), "LEDGER#GRANT#month-1"),
            (Entry::expiry(&account(), "month-1", &balance(1, 2, 3), at), "LEDGER#EXPIRY#month-1"),
            (Entry::plan_change(&account(), "event-1", -5, at), "LEDGER#PLAN#event-1"),
            (Entry::reserve(&account(), &job(1), 4, at), "LEDGER#RESERVE#TASK#1"),
            (Entry::charge(&account(), &job(1), 7, 2, at), "LEDGER#CHARGE#TASK#1#7"),
            (Entry::settle(&account(), &job(1), 4, 2, at), "LEDGER#SETTLE#TASK#1"),
            (Entry::settle(&account(), &Key::new("P", "JOB"), 4, 2, at), "LEDGER#SETTLE#P#JOB"),
        ] {
            assert_eq!(entry.key, Key::new("USER#u", sk));
        }
    }

    #[test]
    fn a_ledger_that_does_not_add_up_is_found_out() {
        let at = Millis(1);
        let grant = Entry::grant(&account(), "month-1", 10, at);
        let reserve = Entry::reserve(&account(), &job(1), 4, at);
        let settle = |reserved, used| Entry::settle(&account(), &job(1), reserved, used, at);
        let overcharged = Entry { available: -1, used: 5, ..settle(4, 4) };
        let charge = Entry::charge(&account(), &job(1), 1, 3, at);
        let task = || "TASK#1".to_owned();
        for (entries, account, found) in [
            (vec![], balance(0, 0, 0), Ok(())),
            (vec![&grant, &reserve], balance(6, 4, 0), Ok(())),
            (vec![&grant, &reserve, &settle(4, 3)], balance(7, 0, 3), Ok(())),
            (vec![&grant, &reserve, &charge], balance(3, 4, 3), Ok(())),
            (vec![&grant, &reserve, &charge, &settle(4, 0)], balance(7, 0, 3), Ok(())),
            (
                vec![&grant, &reserve],
                balance(10, 0, 0),
                Err(Discrepancy::Sum { entries: (6, 4, 0), balance: (10, 0, 0) }),
            ),
            (
                vec![&grant, &reserve, &settle(3, 3)],
                balance(6, 1, 3),
                Err(Discrepancy::Job { job: task(), reserved: 4, settled: 3 }),
            ),
            (
                vec![&grant, &settle(4, 3)],
                balance(11, -4, 3),
                Err(Discrepancy::Job { job: task(), reserved: 0, settled: 4 }),
            ),
            (vec![&grant, &reserve, &overcharged], balance(5, 0, 5), Err(Discrepancy::Charge(task()))),
        ] {
            let entries: Vec<_> = entries.into_iter().cloned().collect();
            assert_eq!(check(&entries, &account), found, "{entries:?}");
        }
    }
}
