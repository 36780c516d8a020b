//! To whom a job belongs, and what changes there with it: its account is charged and counts it, or the join of its siblings counts it. Both
//! have the slots of its group.

use serde::Deserialize;
use table::{Condition, Item, Key, Millis, Table, TableError, Transaction, Update, decode};
use telemetry::TraceId;

use crate::account::{Account, Outcome};
use crate::join::{Join, PartOf};
use crate::ledger::Entry;
use crate::record::Status;
use crate::slots::Slots;
use crate::usage;

/// To whom a job belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An account.
    Account(Key),
    /// The parent whose work it is a part of.
    Parent(PartOf),
}

/// What a transition needs to know of any job.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Snapshot {
    pub status: Status,
    pub lease_token: u64,
    #[serde(default)]
    pub claimable_at: Option<Millis>,
    #[serde(default)]
    pub turn: Option<String>,
    #[serde(default)]
    pub holds_slot: bool,
    pub units_reserved: u64,
    pub units_used: u64,
    #[serde(default)]
    pub children: Option<Key>,
    #[serde(default)]
    pub reports_to: Option<Key>,
    #[serde(default)]
    pub redrives: u64,
    #[serde(default)]
    pub place: Option<String>,
    #[serde(default)]
    pub trace: Option<TraceId>,
    #[serde(default)]
    account: Option<Key>,
    #[serde(default)]
    part_of: Option<PartOf>,
}

/// How a job ends, as its owner has to know.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub outcome: Outcome,
    pub units_reserved: u64,
    pub units_used: u64,
    pub holds_slot: bool,
    /// How often it was taken up again.
    pub redrives: u64,
    /// What else counts it.
    pub reports_to: Option<Key>,
}

impl Snapshot {
    pub(crate) fn of(item: &Item) -> Result<Self, TableError> {
        decode(item.clone())
    }

    pub(crate) fn owner(&self) -> Result<Owner, TableError> {
        match (&self.account, &self.part_of) {
            (_, Some(part_of)) => Ok(Owner::Parent(part_of.clone())),
            (Some(account), None) => Ok(Owner::Account(account.clone())),
            (None, None) => Err(TableError::Broken("a job belongs to nobody".to_owned())),
        }
    }

    pub(crate) fn is_due(&self, now: Millis) -> bool {
        self.claimable_at.is_some_and(|from| from <= now)
    }
}

impl Owner {
    /// The item with the slots of the job's group.
    pub(crate) const fn key(&self) -> &Key {
        match self {
            Self::Account(key) => key,
            Self::Parent(part_of) => &part_of.join,
        }
    }

    /// Holds while the job is still wanted.
    fn still_wants(&self) -> Option<Condition> {
        matches!(self, Self::Parent(_)).then(Join::is_wanted)
    }

    /// Takes a slot for the job.
    pub(crate) fn take_slot(&self) -> Update {
        self.still_wants().into_iter().fold(Slots::take(), Update::when)
    }

    /// Gives the slot of a job back that goes on later.
    pub(crate) fn give_slot_back(&self) -> Update {
        self.still_wants().into_iter().fold(Slots::give_back(), Update::when)
    }
}

/// Adds a job's submission to a transaction, the account's action first.
pub(crate) fn add_submission(
    transaction: Transaction,
    table: &Table,
    account: &Key,
    submission: &Submission<'_>,
) -> Result<Transaction, TableError> {
    let Submission { job, sort, units, at, only_if } = submission;
    let reserve = only_if.iter().cloned().fold(Account::reserve(*units), Update::when);
    let transaction = transaction
        .update(table, account, reserve)?
        .update(table, &usage::day_key(account, *at), usage::submitted(Some(*sort)))?
        .update(table, &usage::totals_key(account), usage::submitted(None))?;
    Entry::reserve(account, job, *units, *at).add_if_any(transaction, table)
}

/// What a job is called in the ledger: one that was taken up again reserves and is settled each time.
pub(crate) fn taken_up(job: &Key, redrives: u64) -> Key {
    if redrives == 0 { job.clone() } else { Key::new(&job.pk, format!("{}#AGAIN#{redrives}", job.sk)) }
}

/// What an account is told of a new job.
pub(crate) struct Submission<'a> {
    pub job: &'a Key,
    pub sort: &'static str,
    pub units: u64,
    pub at: Millis,
    pub only_if: &'a [Condition],
}

/// Adds the end of an account's job to a transaction.
pub(crate) fn add_end(
    transaction: Transaction,
    table: &Table,
    account: &Key,
    job: &Key,
    ending: &Ending,
    at: Millis,
) -> Result<Transaction, TableError> {
    let Ending { outcome, units_reserved, units_used, holds_slot, redrives, .. } = ending;
    let (outcome, units_reserved) = (*outcome, *units_reserved);
    let used = units_reserved.min(*units_used);
    let mut settle = Account::settle(units_reserved, used, outcome);
    if *holds_slot {
        settle = settle.and(Slots::give_back());
    }
    let transaction = transaction
        .update(table, account, settle)?
        .update(table, &usage::day_key(account, at), usage::ended(outcome, used))?
        .update(table, &usage::totals_key(account), usage::ended(outcome, used))?;
    Entry::settle(account, &taken_up(job, *redrives), units_reserved, used, at).add_if_any(transaction, table)
}
