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
        opens(&self.passwords, user, password).await
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

async fn opens(passwords: &Passwords, user: Option<&User>, password: &Password) -> Result<bool, PasswordError> {
    let is_right = passwords.verify(password, user.map(|user| &user.password_hash)).await?;
    Ok(is_right && user.is_some_and(|user| user.is_active))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use table::Millis;
    use uuid::Uuid;

    use super::*;
    use crate::keys::user_key;

    const RIGHT: &str = "correct horse battery staple";
    /// How many attempts are timed.
    const TRIES: u32 = 200;

    async fn user(passwords: &Passwords, is_active: bool) -> User {
        User {
            key: user_key("alice"),
            id: Uuid::nil(),
            name: "alice".to_owned(),
            tenant: "acme".to_owned(),
            password_hash: passwords.hash(&Password::given(RIGHT)).await.unwrap(),
            is_active,
            generation: 0,
            created_at: Millis(0),
            updated_at: Millis(0),
        }
    }

    #[tokio::test]
    async fn every_attempt_verifies_one_hash_whoever_there_is() {
        let passwords = Passwords::new().unwrap();
        let (active, inactive) = (user(&passwords, true).await, user(&passwords, false).await);
        let mut before = passwords.verifications();
        for (user, password, is_let_in) in [
            (Some(&active), RIGHT, true),
            (Some(&active), "another", false),
            (Some(&inactive), RIGHT, false),
            (Some(&inactive), "another", false),
            (None, RIGHT, false),
            (None, "", false),
        ] {
            assert_eq!(opens(&passwords, user, &Password::given(password)).await.unwrap(), is_let_in, "{password}");
            assert_eq!(passwords.verifications() - before, 1, "{password}");
            before = passwords.verifications();
        }
    }

    #[tokio::test]
    #[ignore = "a measurement: run it alone, on a machine that does nothing else"]
    async fn unknown_names_take_as_long_as_known_ones() {
        let passwords = Passwords::new().unwrap();
        let known = user(&passwords, true).await;
        let wrong = Password::given("another");
        let (mut of_known, mut of_nobody) = (Duration::ZERO, Duration::ZERO);
        // By turns, so that what else the machine does falls on both.
        for _ in 0..TRIES {
            for (who, sum) in [(Some(&known), &mut of_known), (None, &mut of_nobody)] {
                let begun = Instant::now();
                assert!(!opens(&passwords, who, &wrong).await.unwrap());
                *sum += begun.elapsed();
            }
        }
        let ratio = of_nobody.as_secs_f64() / of_known.as_secs_f64();
        println!("{:?} for a known name, {:?} for an unknown one: {ratio:.3}", of_known / TRIES, of_nobody / TRIES);
    }
}
