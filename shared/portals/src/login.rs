//! Logging in, and who is calling.

use identity::{TokenError, Tokens};
use parameters::Parameters;
use secrets::{Password, PasswordError, Passwords};
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table, TableError};
use thiserror::Error;

use crate::token::{AUDIENCE, Caller, UserClaims};
use crate::user::User;
use crate::users::Users;

/// Why nobody can log in, or call.
#[derive(Debug, Error)]
pub enum LogInError {
    /// A password was not verified.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A token was not made, or not judged.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Lets users in. One per process: it keeps the keys that tokens are signed with.
#[derive(Clone)]
pub struct Logins {
    /// The users.
    pub users: Users,
    passwords: Passwords,
    tokens: Tokens,
}

impl Logins {
    /// With the users in the table that `PORTAL_TABLE` names, and the keys in the folder that `PORTAL_SESSION_KEYS` names.
    pub fn from_environment(config: &SdkConfig, clock: &Clock) -> Result<Self, SettingError> {
        let passwords = Passwords::new().map_err(|error| SettingError::Unusable("randomness", error.to_string()))?;
        let table = Table::new(dynamodb(config), &setting("PORTAL_TABLE")?);
        let parameters = Parameters::new(config, setting("PORTAL_SESSION_KEYS")?);
        Ok(Self::new(table, parameters, clock.clone(), passwords))
    }

    /// With the users in `table`, and the keys in `parameters`.
    #[must_use]
    pub fn new(table: Table, parameters: Parameters, clock: Clock, passwords: Passwords) -> Self {
        let tokens = Tokens::new(parameters, clock.clone(), Some(AUDIENCE));
        Self { users: Users::new(table, clock, passwords.clone()), passwords, tokens }
    }

    /// Whether this is the password of the user who was found by the name that was given; of one who may not log in, and of nobody, it is not. It takes as
    /// long to find in each case.
    pub async fn opens(&self, user: Option<&User>, password: &Password) -> Result<bool, PasswordError> {
        let is_right = self.passwords.verify(password, user.map(|user| &user.password_hash)).await?;
        Ok(is_right && user.is_some_and(|user| user.is_active))
    }

    /// A token for a user, good for an hour.
    pub async fn token(&self, user: &User) -> Result<String, TokenError> {
        self.tokens.sign(&UserClaims::of(user, self.tokens.now())).await
    }

    /// Whom a token speaks for. What was changed of its user before is seen.
    pub async fn caller(&self, token: &str) -> Result<Option<Caller>, LogInError> {
        let Some(claims) = self.tokens.verify::<UserClaims>(token).await? else { return Ok(None) };
        let user = self.users.find(&claims.name).await?;
        Ok(user.and_then(|user| claims.caller(user)))
    }
}
