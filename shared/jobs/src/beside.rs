//! What changes beside a job, in its transaction: counters and records of whoever keeps jobs.

use table::{Key, Table, TableError, Transaction, Update};

use crate::account::Outcome;

/// A change of another item of the jobs' table, made together with a job's or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// The item.
    pub key: Key,
    /// Its change.
    pub update: Update,
}

/// A change of an item of another table, made together with a job's or not at all.
#[derive(Clone, Debug)]
pub struct Elsewhere<'table> {
    /// The table.
    pub table: &'table Table,
    /// The item.
    pub key: Key,
    /// Its change.
    pub update: Update,
}

/// The changes beside a job's end, with the one of the item that it reports to: one of that item already is made one with it, as a transaction
/// takes an item once.
pub(crate) fn with_report(mut beside: Vec<Beside>, reports_to: Option<Key>, outcome: Outcome) -> Vec<Beside> {
    let Some(key) = reports_to else { return beside };
    match beside.iter_mut().find(|beside| beside.key == key) {
        Some(same) => same.update = std::mem::take(&mut same.update).and(outcome.report()),
        None => beside.push(Beside { key, update: outcome.report() }),
    }
    beside
}

/// Adds the changes to a transaction; that of another table is the last.
pub(crate) fn add_all(
    mut transaction: Transaction,
    table: &Table,
    beside: Vec<Beside>,
    elsewhere: Option<&Elsewhere<'_>>,
) -> Result<Transaction, TableError> {
    for Beside { key, update } in beside {
        transaction = transaction.update(table, &key, update)?;
    }
    match elsewhere {
        Some(Elsewhere { table, key, update }) => transaction.update(table, key, update.clone()),
        None => Ok(transaction),
    }
}
