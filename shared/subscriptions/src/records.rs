//! Where what is known of subscriptions is kept.

use extract::Accounts;
use table::{Clock, Table, TableError};

use crate::billing::{Billing, billing_key};
use crate::offers::Offers;

/// The subscriptions of all users.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    pub(crate) table: Table,
    pub(crate) accounts: Accounts,
    pub(crate) offers: Offers,
    pub(crate) clock: Clock,
}

impl Subscriptions {
    /// Those in the table `extract`, to the plans that `offers` has.
    #[must_use]
    pub fn new(table: Table, offers: Offers, clock: Clock) -> Self {
        Self { accounts: Accounts::new(table.clone(), clock.clone()), table, offers, clock }
    }

    /// The plans that are sold.
    #[must_use]
    pub const fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The users' accounts.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// All that is known of a user's subscriptions.
    pub async fn billing(&self, user: &str) -> Result<Billing, TableError> {
        Ok(self.table.get(&billing_key(user)).await?.unwrap_or_else(|| Billing::of(user)))
    }
}
