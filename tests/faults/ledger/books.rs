//! A user's books: the account and its ledger as they were at one moment, and what must be true of them at any.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, TransactGetItem};
use drover_tests::{Stack, User};
use extract::{CloudAccount, account_key};
use jobs::{Entry, Movement, ledger};
use table::aws::dynamodb;
use table::{Item, decode};

/// How often the ledger is read while the account moves on, before it is left for later.
const TRIES: usize = 40;

/// An account and its ledger, of one moment.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) account: CloudAccount,
    pub(super) entries: Vec<Entry>,
}

impl Books {
    /// Reads them. None if the account moved during every try.
    ///
    /// A ledger is too long for one transaction that reads. But no movement leaves the account as it was: a job that is submitted adds to its
    /// counts of jobs, open and ended, which together only grow; a period or another plan moves its slots, and their moves only grow; a charge adds
    /// to what was used, until the period ends. So where the account is the same before and after, the ledger between is that moment's. The
    /// second reading is a transaction: what is still being written, and may show in the ledger first, it does not pass by.
    pub(super) async fn read(stack: &Stack, user: &User) -> anyhow::Result<Option<Self>> {
        for _ in 0..TRIES {
            let before = stack.table("extract").get_item(&account_key(&user.id), true).await?.context("no account")?;
            let entries = stack.accounts().ledger(&user.id).await?;
            let after = settled_account(stack, user).await?;
            if after.is_some_and(|after| after == before) {
                return Ok(Some(Self { account: decode(before)?, entries }));
            }
        }
        Ok(None)
    }

    /// Whether the books add up: the entries to the balance, that to what the period granted, each job to what it had set aside; and each period was
    /// granted once, and expired once unless it still runs.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let CloudAccount { period, account, .. } = &self.account;
        ledger::check(&self.entries, account)?;
        let sum = account.units_available + account.units_reserved + account.units_used;
        ensure!(sum == i64::try_from(period.units_limit)?, "{account:?} is not what {period:?} granted");
        let mut ended = self.references(Movement::Expiry);
        ensure!(ended.insert(&period.reference), "the period that runs has expired: {period:?}");
        let granted = self.references(Movement::Grant);
        ensure!(ended == granted, "granted were {granted:?}, expired or running are {ended:?}");
        ensure!(account.slots.slots == i64::from(period.plan.concurrent_tasks()), "{:?} of {period:?}", account.slots);
        Ok(())
    }

    /// Whether nothing that stood in the books before was changed or is gone.
    pub(super) fn follows(&self, before: &Self) -> anyhow::Result<()> {
        let now: BTreeMap<_, _> = self.entries.iter().map(|entry| (&entry.key.sk, entry)).collect();
        let lost = before.entries.iter().find(|entry| now.get(&entry.key.sk) != Some(entry));
        ensure!(lost.is_none(), "{lost:?} is not there any more, or another");
        Ok(())
    }

    /// What the entries of one kind of movement are about.
    pub(super) fn references(&self, movement: Movement) -> BTreeSet<&str> {
        let of_kind = self.entries.iter().filter(|entry| entry.movement == movement);
        of_kind.map(|entry| entry.reference.as_str()).collect()
    }

    /// Whether any entry that were lost, or were there twice, would be noticed: the control of [`Self::check`].
    pub(super) fn would_notice(&self) -> anyhow::Result<()> {
        for (place, entry) in self.entries.iter().enumerate() {
            let (mut lost, mut doubled) = (self.clone(), self.clone());
            lost.entries.remove(place);
            ensure!(lost.check().is_err(), "that {entry:?} is gone is not noticed");
            doubled.entries.push(Entry { reference: format!("{}-again", entry.reference), ..entry.clone() });
            ensure!(doubled.check().is_err(), "that {entry:?} is there twice is not noticed");
        }
        Ok(())
    }
}

/// The account as a transaction reads it; none if it is being written.
async fn settled_account(stack: &Stack, user: &User) -> anyhow::Result<Option<Item>> {
    let key = account_key(&user.id).into_item();
    let get = Get::builder().table_name(stack.table("extract").name()).set_key(Some(key)).build()?;
    let read = TransactGetItem::builder().get(get).build();
    match dynamodb(&stack.config).transact_get_items().transact_items(read).send().await {
        Ok(told) => Ok(told.responses.and_then(|items| items.into_iter().next()?.item)),
        Err(error)
            if matches!(error.as_service_error(), Some(TransactGetItemsError::TransactionCanceledException(_))) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
