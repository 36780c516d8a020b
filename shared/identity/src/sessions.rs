//! Sessions: tokens that say who is signed in, and which of them were ended before their time. That somebody is signed in stands in no table:
//! a session costs a write only when it is ended (docs/decisions/0014-sessions.md).

use parameters::Parameters;
use serde::{Deserialize, Serialize};
use table::{Clock, Key, Millis, TableError, new_nonce};
use uuid::Uuid;

use crate::directory::{Identity, Stored};
use crate::session::Session;
use crate::tokens::{TokenError, Tokens};
use crate::user::{User, key_of_user, partition_of_user};

/// Makes and judges the tokens of sessions. One per process: it keeps the keys.
#[derive(Clone)]
pub struct Sessions(Tokens);

impl Sessions {
    /// With the keys in `parameters`.
    #[must_use]
    pub fn new(parameters: Parameters, clock: Clock) -> Self {
        Self(Tokens::new(parameters, clock, None))
    }

    /// With the keys in `parameters`, for an audience that is not the extraction cloud: what is signed for one is good nowhere else.
    #[must_use]
    pub fn before(audience: &'static str, parameters: Parameters, clock: Clock) -> Self {
        Self(Tokens::new(parameters, clock, Some(audience)))
    }

    /// A new session, and its token.
    pub async fn issue(&self, user_id: &str) -> Result<(Session, String), TokenError> {
        let ids = (Uuid::new_v4().to_string(), new_nonce());
        self.signed(Session::new(user_id, ids, self.0.audience(), self.0.now())).await
    }

    /// A session of another audience's, which was judged good there, before this one: whichever of the two is ended, both are, and they are over
    /// together.
    pub async fn carry_on(&self, session: &Session) -> Result<(Session, String), TokenError> {
        self.signed(session.before(self.0.audience(), new_nonce())).await
    }

    async fn signed(&self, session: Session) -> Result<(Session, String), TokenError> {
        let token = self.0.sign(&session).await?;
        Ok((session, token))
    }

    /// The session that a token says, if it is one of ours and of now. Whether it was ended, or its user may call, is not said: see
    /// [`Identity::owner_of`].
    pub async fn verify(&self, token: &str) -> Result<Option<Session>, TokenError> {
        self.0.verify(token).await
    }
}

/// What one read finds in a user's partition.
#[derive(Deserialize)]
#[serde(untagged)]
enum Found {
    Ended(Ended),
    User(Box<User>),
}

#[derive(Serialize, Deserialize)]
struct Ended {
    ended_at: Millis,
    expires_at: u64,
}

impl Identity {
    /// The user of a session, if the session was not ended and the user may call. One request, which sees every end before it.
    pub async fn owner_of(&self, session: &Session) -> Result<Option<User>, TableError> {
        let keys = [key_of_user(&session.user_id), key_of_end(session)];
        let mut owner = None;
        for found in self.table.get_many::<Found>(&keys).await? {
            match found {
                Found::Ended(Ended { ended_at, .. }) => {
                    tracing::info!(session = session.id, %ended_at, "this session was ended");
                    return Ok(None);
                }
                Found::User(user) => owner = Some(*user),
            }
        }
        Ok(owner.filter(|user| user.is_active))
    }

    /// Ends a session. From now on its token is good nowhere.
    pub async fn end_session(&self, session: &Session) -> Result<(), TableError> {
        let ended = Ended { ended_at: self.clock.now(), expires_at: session.forgotten_at() };
        self.table.replace(&Stored { key: key_of_end(session), item: &ended }).await
    }
}

fn key_of_end(session: &Session) -> Key {
    Key::new(partition_of_user(&session.user_id), format!("ENDED#{}", session.id))
}
