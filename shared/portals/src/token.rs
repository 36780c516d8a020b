//! What a user's token says, and who they are that it speaks for.

use identity::{Claims, Term};
use serde::{Deserialize, Serialize};
use table::Millis;
use uuid::Uuid;

use crate::user::User;

/// Whom the tokens are for (`aud`): another API's are not good here, nor these there.
pub const AUDIENCE: &str = "portal-jobs";

/// The claims of a user's token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserClaims {
    #[serde(flatten)]
    term: Term,
    aud: String,
    sub: Uuid,
    /// What they are found by.
    pub(crate) name: String,
    generation: u64,
}

/// A user who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that they log in with.
    pub name: String,
    /// Whose accounts and jobs are theirs.
    pub tenant: String,
}

impl UserClaims {
    pub(crate) fn of(user: &User, now: Millis) -> Self {
        Self {
            term: Term::beginning(now),
            aud: AUDIENCE.to_owned(),
            sub: user.id,
            name: user.name.clone(),
            generation: user.generation,
        }
    }

    /// Whom the token speaks for, if `user` is who it was given to, may still call, and has not let it become void.
    pub(crate) fn caller(&self, user: User) -> Option<Caller> {
        let speaks = user.is_active && user.id == self.sub && user.generation == self.generation;
        speaks.then_some(Caller { name: user.name, tenant: user.tenant })
    }
}

impl Claims for UserClaims {
    fn term(&self) -> &Term {
        &self.term
    }
}
