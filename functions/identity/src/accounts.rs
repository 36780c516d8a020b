//! Users' plans and compute units, as far as a user's own page shows them: the one place here that knows where they stand.

use api::identity::{Plan, User};
use extract::account_key;
use jobs::Account;
use serde::Serialize;
use table::{Condition, Table, TableError, Transaction};

/// The accounts of all users.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    table: Table,
}

/// A user's plan and what it leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    pub(crate) tier: Plan,
    pub(crate) used: i64,
    pub(crate) limit: i64,
    pub(crate) remaining: i64,
}

impl Accounts {
    pub(crate) const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Adds the opening of a new user's account to the transaction that makes the user: the free plan's.
    pub(crate) fn add_opening(&self, transaction: Transaction, user: &str) -> Result<Transaction, TableError> {
        let account = Account::granted(Plan::Free.compute_units()).at(account_key(user));
        transaction.put(&self.table, &account, &Condition::Absent("pk"))
    }

    /// How a user stands.
    pub(crate) async fn standing(&self, user: &User) -> Result<Standing, TableError> {
        let account: Option<Account> = self.table.get(&account_key(&user.id)).await?;
        let account = account.ok_or_else(|| TableError::Broken(format!("the user {} has no account", user.id)))?;
        Ok(Standing {
            tier: user.plan,
            used: account.units_used,
            limit: account.units_available + account.units_reserved + account.units_used,
            remaining: account.units_available,
        })
    }
}
