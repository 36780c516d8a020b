//! The accounts of all users, in the table `extract`: opened, read, and moved on when their period is over.

use jobs::{Entry, Movement, ledger, usage};
use table::{Clock, Condition, Table, TableError, Transaction};

use crate::account::CloudAccount;
use crate::keys::account_key;
use crate::plan::Plan;
use crate::usage::DayUsage;

/// How often a period is tried to begin that others move in the meantime.
const RACES: u32 = 20;

/// The accounts of all users.
#[derive(Clone, Debug)]
pub struct Accounts {
    table: Table,
    clock: Clock,
}

impl Accounts {
    /// The accounts in the table `extract`.
    #[must_use]
    pub const fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock }
    }

    /// Opens the account of a new user: with the plan's units, or with `units` in their place.
    pub async fn open(&self, user: &str, plan: Plan, units: Option<u64>) -> Result<(), TableError> {
        self.add_opening(Transaction::new(), user, plan, units)?.commit(&self.table).await
    }

    /// Adds the opening of an account to the transaction that makes its user, so that there is none without the other: an action for the
    /// account, one for its grant, and one for the count of all accounts. It fails if there is one.
    pub fn add_opening(
        &self,
        transaction: Transaction,
        user: &str,
        plan: Plan,
        units: Option<u64>,
    ) -> Result<Transaction, TableError> {
        let (account, grant) = CloudAccount::opened(user, plan, units, self.clock.now());
        let transaction = transaction.put(&self.table, &account, &Condition::Absent("pk"))?;
        let transaction = grant.add_to(transaction, &self.table)?;
        transaction.update(&self.table, &usage::totals_key(&account.key), usage::opened())
    }

    /// A user's account as it is now, for whoever shows it: one read, and no write.
    pub async fn get(&self, user: &str) -> Result<Option<CloudAccount>, TableError> {
        Ok(self.stored(user).await?.map(|account| account.as_of(self.clock.now())))
    }

    /// A user's account as it is stored, for whoever changes it.
    pub async fn stored(&self, user: &str) -> Result<Option<CloudAccount>, TableError> {
        self.table.get(&account_key(user)).await
    }

    /// Begins the period that is due by itself, if one is; of all who try at once, one does. Gives the plan that is in force then; none if there is
    /// no account.
    pub async fn renew(&self, user: &str) -> Result<Option<Plan>, TableError> {
        for _ in 0..RACES {
            let now = self.clock.now();
            let Some(account) = self.stored(user).await? else { return Ok(None) };
            if !account.is_due(now) {
                return Ok(Some(account.period.plan));
            }
            let next = account.renewal(now);
            match account.begin(&next, now).add_to(Transaction::new(), &self.table)?.commit(&self.table).await {
                Ok(()) => return Ok(Some(next.plan)),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the account changes faster than its period can begin".to_owned()))
    }

    /// Counts an e-mail that is sent for a user today (UTC), unless there were `most` of them; says whether it was counted.
    pub async fn count_mail(&self, user: &str, most: u64) -> Result<bool, TableError> {
        usage::count_mail(&self.table, &account_key(user), self.clock.now(), most).await
    }

    /// Whether the user's ledger has such an entry: what a reference was used for before.
    pub async fn has_entry(&self, user: &str, movement: Movement, reference: &str) -> Result<bool, TableError> {
        let key = ledger::entry_key(&account_key(user), movement, reference);
        Ok(self.table.get_item(&key, true).await?.is_some())
    }

    /// What the user did from one day to another (`2024-01-15`), in order; days on which nothing happened are left out.
    pub async fn days(&self, user: &str, first: &str, last: &str) -> Result<Vec<DayUsage>, TableError> {
        usage::days(&self.table, &account_key(user), first, last).await
    }

    /// The whole ledger of a user.
    pub async fn ledger(&self, user: &str) -> Result<Vec<Entry>, TableError> {
        ledger::entries(&self.table, &account_key(user)).await
    }
}
