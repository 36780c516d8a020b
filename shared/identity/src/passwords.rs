//! What operators log in to the console with, where they do not sign in with the identity provider. Whose password it is counts, not the address:
//! who has another one now logs in with the one that it was set for.

use secrets::{PasswordHash, fingerprint};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError};
use thiserror::Error;

use crate::directory::{Identity, Stored};
use crate::user::User;

/// A password, as it is stored. It has no `Debug`: the hash is nobody's business.
#[derive(Serialize, Deserialize)]
pub struct OperatorPassword {
    /// Whose it is.
    pub user_id: String,
    /// What it must open.
    pub password_hash: PasswordHash,
    set_at: Millis,
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
    /// [`Identity::find_user`].
    pub async fn find_password(&self, email: &str) -> Result<Option<OperatorPassword>, TableError> {
        self.table.get(&key_of_password(email)).await
    }

    /// Sets what a user logs in with by their address. Sessions go on.
    pub async fn set_password(&self, user: &User, password_hash: PasswordHash) -> Result<(), SetPasswordError> {
        let password = OperatorPassword { user_id: user.id.clone(), password_hash, set_at: self.clock.now() };
        let stored = Stored { key: key_of_password(&user.email), item: &password };
        let is_theirs = Condition::Any(vec![Condition::Absent("pk"), Condition::equal("user_id", user.id.as_str())]);
        match self.table.put(&stored, is_theirs).await {
            Err(TableError::ConditionFailed(_)) => Err(SetPasswordError::Taken),
            done => Ok(done?),
        }
    }

    /// Takes away what a user logs in with by their address, and says whether there was something.
    pub async fn remove_password(&self, user: &User) -> Result<bool, TableError> {
        let found = self.find_password(&user.email).await?;
        if found.is_none_or(|password| password.user_id != user.id) {
            return Ok(false);
        }
        self.table.delete(&key_of_password(&user.email)).await
    }
}

fn key_of_password(email: &str) -> Key {
    Key::new(format!("PASSWORD#{}", fingerprint(&email.to_lowercase())), "PASSWORD")
}
