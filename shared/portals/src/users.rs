//! Users, made, listed, changed and deleted by administrators. Each change is one conditional write.

use secrets::{PasswordError, Passwords};
use serde::Serialize;
use table::{Clock, Condition, Table, TableError, Update, decode, new_id};
use thiserror::Error;

use crate::keys::user_key;
use crate::listing::{Listed, Listing, page};
use crate::user::{NewUser, User, UserChange, UserFields};

/// What users are listed by.
const LISTED_BY: &str = "USERS";

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum UserError {
    /// There is no such user.
    #[error("there is no such user")]
    Missing,
    /// Somebody has the name.
    #[error("there is a user of this name")]
    Taken,
    /// The change changes nothing.
    #[error("nothing to change")]
    Empty,
    /// A password was not hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The users of the table `portal`.
#[derive(Clone)]
pub struct Users {
    table: Table,
    clock: Clock,
    passwords: Passwords,
}

#[derive(Serialize)]
struct Stored<'user> {
    #[serde(flatten)]
    user: &'user User,
    #[serde(flatten)]
    listed: Listed,
}

impl Users {
    /// Those in `table`, whose passwords are hashed so.
    #[must_use]
    pub const fn new(table: Table, clock: Clock, passwords: Passwords) -> Self {
        Self { table, clock, passwords }
    }

    /// Makes a user.
    pub async fn create(&self, fields: UserFields) -> Result<User, UserError> {
        let NewUser { name, password, tenant } = fields.new_user().ok_or(UserError::Empty)?;
        let (password_hash, now) = (self.passwords.hash(&password).await?, self.clock.now());
        let key = user_key(&name);
        let listed = Listed { listed_by: LISTED_BY, listed_as: name.to_lowercase() };
        let id = new_id(now);
        let user = User {
            key,
            id,
            name,
            tenant,
            password_hash,
            is_active: true,
            generation: 0,
            created_at: now,
            updated_at: now,
        };
        match self.table.put(&Stored { user: &user, listed }, Condition::Absent("pk")).await {
            Ok(()) => Ok(user),
            Err(TableError::ConditionFailed(told)) => {
                let there = self.table.refused(&user.key, told).await?.map(decode::<User>).transpose()?;
                // Done, but its answer was lost.
                if there.is_some_and(|there| there.id == id) { Ok(user) } else { Err(UserError::Taken) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The user who logs in with this name, in whatever case.
    pub async fn find(&self, name: &str) -> Result<Option<User>, TableError> {
        self.table.get(&user_key(name)).await
    }

    /// A page of all users, by their names. None if `after` is no cursor of ours.
    pub async fn list(&self, limit: u32, after: Option<&str>) -> Result<Option<Listing<User>>, TableError> {
        page(&self.table, LISTED_BY, "", limit, after).await
    }

    /// Changes a user, and gives them as they are now.
    pub async fn change(&self, name: &str, change: UserChange) -> Result<User, UserError> {
        if change.is_empty() {
            return Err(UserError::Empty);
        }
        let voids = i64::from(change.voids_tokens());
        let mut update = Update::new()
            .set("updated_at", self.clock.now())
            .set_given("is_active", change.is_active)
            .add("generation", voids)
            .when(Condition::Exists("pk"));
        if let Some(password) = change.password {
            update = update.set("password_hash", self.passwords.hash(&password).await?.as_str());
        }
        match self.table.update(&user_key(name), update).await {
            Ok(item) => Ok(decode(item)?),
            Err(TableError::ConditionFailed(_)) => Err(UserError::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a user: their tokens are void, and the name is free. What their tenant has stays.
    pub async fn delete(&self, name: &str) -> Result<(), UserError> {
        if self.table.delete(&user_key(name)).await? { Ok(()) } else { Err(UserError::Missing) }
    }
}
