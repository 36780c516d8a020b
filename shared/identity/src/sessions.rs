//! Sessions: tokens that say who is signed in, and which of them were ended before their time. That somebody is signed in stands in no table:
//! a session costs a write only when it is ended (docs/decisions/0014-sessions.md).

use jsonwebtoken::errors::Error as TokenError;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use parameters::{ParameterError, Parameters};
use serde::{Deserialize, Serialize};
use table::{Clock, Key, Millis, TableError, new_nonce};
use thiserror::Error;
use uuid::Uuid;

use crate::directory::{Identity, Stored};
use crate::session::Session;
use crate::session_keys::{KEY_TRUSTED, PUBLIC_KEYS, PublicKeys, SIGNING_KEY, SigningKey, UNKNOWN_KEY_TRUSTED};
use crate::signature;
use crate::user::{User, key_of_user, partition_of_user};

/// The longest token that is looked at, in bytes: ours have less than 500.
const LONGEST_TOKEN: usize = 2_000;

/// Why a token cannot be made or judged.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The keys cannot be read.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A parameter does not hold what it should.
    #[error("the parameter {0} holds no session key")]
    Damaged(&'static str),
    /// The key does not sign.
    #[error("a token cannot be signed: {0}")]
    Unsigned(#[from] TokenError),
}

/// Makes and judges tokens. One per process: it keeps the keys.
#[derive(Clone)]
pub struct Sessions {
    parameters: Parameters,
    clock: Clock,
}

impl Sessions {
    /// With the keys in `parameters`.
    #[must_use]
    pub fn new(parameters: Parameters, clock: Clock) -> Self {
        signature::install();
        Self { parameters, clock }
    }

    /// A new session, and its token.
    pub async fn issue(&self, user_id: &str) -> Result<(Session, String), SessionError> {
        let value = self.parameters.get_fresh(SIGNING_KEY, KEY_TRUSTED).await?;
        let signing = SigningKey::read(value.reveal()).ok_or(SessionError::Damaged(SIGNING_KEY))?;
        let key = signing.key().ok_or(SessionError::Damaged(SIGNING_KEY))?;
        let header = Header { kid: Some(signing.kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        let session = Session::new(user_id, (Uuid::new_v4().to_string(), new_nonce()), self.clock.now());
        let token = encode(&header, &session, &key)?;
        Ok((session, token))
    }

    /// The session that a token says, if it is one of ours and of now. Whether it was ended, or its user may call, is not said: see
    /// [`Identity::owner_of`].
    pub async fn verify(&self, token: &str) -> Result<Option<Session>, SessionError> {
        if token.len() > LONGEST_TOKEN {
            return Ok(None);
        }
        let kid =
            decode_header(token).ok().filter(|header| header.alg == Algorithm::EdDSA).and_then(|header| header.kid);
        let Some(kid) = kid else { return Ok(None) };
        let Some(key) = self.public_key(&kid).await? else { return Ok(None) };
        let mut rules = Validation::new(Algorithm::EdDSA);
        // Times are judged by our clock, below.
        rules.validate_exp = false;
        let session = decode::<Session>(token, &key, &rules).ok().map(|token| token.claims);
        Ok(session.filter(|session| session.is_good_at(self.clock.now())))
    }

    async fn public_key(&self, kid: &str) -> Result<Option<jsonwebtoken::DecodingKey>, SessionError> {
        for age in [KEY_TRUSTED, UNKNOWN_KEY_TRUSTED] {
            let value = match self.parameters.get_fresh(PUBLIC_KEYS, age).await {
                // Where nobody has ever signed in, no token is good.
                Err(ParameterError::Unset(_)) => return Ok(None),
                value => value?,
            };
            let keys = PublicKeys::read(value.reveal()).ok_or(SessionError::Damaged(PUBLIC_KEYS))?;
            if let Some(key) = keys.find(kid) {
                return Ok(Some(key));
            }
        }
        Ok(None)
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
