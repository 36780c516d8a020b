//! Who signs in as which subject of an identity provider. A person is known by issuer and subject, never by an address, which may change hands.

use secrets::fingerprint;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, TableError, Transaction};

use crate::directory::{Identity, Stored};
use crate::user::{User, key_of_user};

/// A subject of an identity provider, and the user that it signs in as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The provider, by the address that it calls itself.
    pub issuer: String,
    /// What it calls the person.
    pub subject: String,
    /// The user.
    pub user_id: String,
}

impl Identity {
    /// The login of a provider's subject, if there is one.
    pub async fn find_login(&self, issuer: &str, subject: &str) -> Result<Option<Login>, TableError> {
        self.table.get(&key_of_login(issuer, subject)).await
    }

    /// Adds a user with their login to a transaction, which may hold what else belongs to a new user, and commits it; gives the login that
    /// counts, which is another one where somebody was faster.
    pub async fn add_login(&self, transaction: Transaction, login: Login, user: &User) -> Result<Login, TableError> {
        let absent = Condition::Absent("pk");
        let key = key_of_login(&login.issuer, &login.subject);
        let new = transaction.put(&self.table, &Stored { key: key.clone(), item: &login }, &absent)?.put(
            &self.table,
            &Stored { key: key_of_user(&user.id), item: user },
            &absent,
        )?;
        match new.commit(&self.table).await {
            Ok(()) => Ok(login),
            Err(refused @ TableError::ConditionFailed(_)) => self.table.get(&key).await?.ok_or(refused),
            Err(error) => Err(error),
        }
    }
}

fn key_of_login(issuer: &str, subject: &str) -> Key {
    // No issuer has a line break in it: no two pairs are one text.
    Key::new(format!("LOGIN#{}", fingerprint(&format!("{issuer}\n{subject}"))), "LOGIN")
}
