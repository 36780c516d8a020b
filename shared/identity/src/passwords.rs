//! What operators log in to the console with, where they do not sign in with the identity provider. Whose password it is counts, not the address:
//! who has another one now logs in with the one that it was set for. The password is one record of the user's; what is kept by the address points at it,
//! and both are written and deleted together, so that none is left that its user's record does not know of.

use secrets::{PasswordHash, fingerprint};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError, Transaction};
use thiserror::Error;

use crate::directory::{Identity, Stored};
use crate::user::{User, partition_of_user};

/// How often a change is tried that another gets in the way of.
const RACES: u32 = 5;

/// A password, as it is stored. It has no `Debug`: the hash is nobody's business.
#[derive(Serialize, Deserialize)]
pub struct OperatorPassword {
    /// Whose it is.
    pub user_id: String,
    /// What it must open.
    pub password_hash: PasswordHash,
    /// What names the address that it was set for: a hash.
    address: String,
    set_at: Millis,
}

/// Who logs in with an address.
#[derive(Serialize, Deserialize)]
struct Named {
    user_id: String,
}

/// Why a password was not set.
#[derive(Debug, Error)]
pub enum SetPasswordError {
    /// Somebody else logs in with the address.
    #[error("another user logs in with this address")]
    Taken,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Identity {
    /// What somebody logs in with by this address, in whatever case, if they do. Whether they still may is not said: see
    /// [`Identity::find_user`]. Two requests, whether they do or not: how long it takes tells nothing.
    pub async fn find_password(&self, email: &str) -> Result<Option<OperatorPassword>, TableError> {
        let address = hash_of(email);
        let named: Option<Named> = self.table.get(&key_of_address(&address)).await?;
        let user_id = named.map_or_else(|| "nobody".to_owned(), |named| named.user_id);
        let found = self.password_of(&user_id).await?;
        Ok(found.filter(|password| password.address == address))
    }

    /// Sets what a user logs in with by their address, and by no other from now on. Sessions go on.
    pub async fn set_password(&self, user: &User, password_hash: PasswordHash) -> Result<(), SetPasswordError> {
        let (user_id, address) = (user.id.clone(), hash_of(&user.email));
        let named = Stored { key: key_of_address(&address), item: &Named { user_id: user_id.clone() } };
        let password = OperatorPassword { user_id, password_hash, address, set_at: self.clock.now() };
        let stored = Stored { key: key_of_password(&user.id), item: &password };
        let is_theirs = Condition::equal("user_id", user.id.as_str());
        let is_free = Condition::Any(vec![Condition::Absent("pk"), is_theirs.clone()]);
        for _ in 0..RACES {
            let before = self.password_of(&user.id).await?.map(|before| before.address);
            let mut change = Transaction::new().put(&self.table, &named, &is_free)?.put(
                &self.table,
                &stored,
                &as_it_was(before.as_deref()),
            )?;
            if let Some(old) = before.filter(|old| *old != password.address) {
                change = change.delete(&self.table, &key_of_address(&old), &is_theirs)?;
            }
            match change.commit(&self.table).await {
                Err(TableError::ConditionFailed(told)) if told.first().is_some_and(Option::is_some) => {
                    return Err(SetPasswordError::Taken);
                }
                Err(TableError::ConditionFailed(_)) => {}
                done => return Ok(done?),
            }
        }
        Err(busy().into())
    }

    /// Takes away what a user logs in with, whatever their address is by now, and says whether there was something.
    pub async fn remove_password(&self, user: &User) -> Result<bool, TableError> {
        let is_theirs = Condition::equal("user_id", user.id.as_str());
        for _ in 0..RACES {
            let Some(OperatorPassword { address, .. }) = self.password_of(&user.id).await? else { return Ok(false) };
            let removed = Transaction::new()
                .delete(&self.table, &key_of_password(&user.id), &as_it_was(Some(&address)))?
                .delete(&self.table, &key_of_address(&address), &is_theirs)?
                .commit(&self.table)
                .await;
            match removed {
                Err(TableError::ConditionFailed(_)) => {}
                done => return done.map(|()| true),
            }
        }
        Err(busy())
    }

    async fn password_of(&self, user_id: &str) -> Result<Option<OperatorPassword>, TableError> {
        self.table.get(&key_of_password(user_id)).await
    }
}

/// That a user's password is still the one that was set for this address, or that there is still none.
fn as_it_was(address: Option<&str>) -> Condition {
    address.map_or(Condition::Absent("pk"), |address| Condition::equal("address", address))
}

fn busy() -> TableError {
    TableError::Unavailable("somebody else is setting this password".to_owned())
}

fn hash_of(email: &str) -> String {
    fingerprint(&email.to_lowercase())
}

fn key_of_address(hash: &str) -> Key {
    Key::new(format!("PASSWORD#{hash}"), "PASSWORD")
}

fn key_of_password(user_id: &str) -> Key {
    Key::new(partition_of_user(user_id), "PASSWORD")
}
