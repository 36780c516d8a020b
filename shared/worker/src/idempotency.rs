//! Making things once, however often the request comes: an idempotency key remembers, for a day, which numbers its first request was given
//! and when. All else follows from these and the request, so that the same request again makes the same things, where they are missing, and
//! is answered as the first was.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError, Transaction};
use thiserror::Error;

use crate::records::{Kind, Records};

/// How long a key is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(24);
/// How often a record is looked for that another request is just writing.
const TRIES: usize = 3;

/// A key with the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: String,
    request: String,
}

impl IdempotencyKey {
    /// The key `given` of a request of `caller` to `path` with `body`.
    #[must_use]
    pub fn new(caller: &str, path: &str, given: &str, body: &str) -> Self {
        // A body may have a password, which its digest alone would let one guess.
        Self { key: digest(&[caller, path, given]), request: digest(&[given, body]) }
    }

    /// Where it is remembered what came of it.
    pub(crate) fn place(&self) -> Key {
        Key::new(format!("IDEMPOTENCY#{}", self.key), "RECORD")
    }

    /// What stands for its request.
    pub(crate) fn request(&self) -> &str {
        &self.request
    }

    fn remembering(&self, numbering: Numbering) -> Remembered {
        let expires_at = numbering.at.after(REMEMBERED).epoch_seconds();
        Remembered {
            key: self.place(),
            request: self.request.clone(),
            first: numbering.first,
            at: numbering.at,
            expires_at,
        }
    }
}

/// Holds where a key is not remembered, or no longer.
pub(crate) fn is_unused(now: Millis) -> Condition {
    Condition::Any(vec![Condition::Absent("pk"), Condition::at_most("expires_at", now.epoch_seconds())])
}

/// Which numbers new records have, and when they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The first number; the others follow it.
    pub first: u64,
    /// When.
    pub at: Millis,
}

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum IdempotencyError {
    /// The key came with another request before.
    #[error("the idempotency key was used with another request")]
    Reused,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    #[serde(flatten)]
    key: Key,
    request: String,
    first: u64,
    at: Millis,
    /// Seconds since the epoch: when DynamoDB may delete it.
    expires_at: u64,
}

impl Records {
    /// Numbers for `count` new records of a kind: new ones, or those that the first request with `key` was given.
    pub async fn numbers(
        &self,
        kind: Kind,
        count: u64,
        key: Option<&IdempotencyKey>,
    ) -> Result<Numbering, IdempotencyError> {
        let Some(key) = key else {
            let at = self.clock.now();
            return Ok(Numbering { first: self.number(kind, count).await?, at });
        };
        for _ in 0..TRIES {
            let now = self.clock.now();
            if let Some(numbering) = self.remembered(key, now).await? {
                return Ok(numbering);
            }
            let numbering = Numbering { first: self.number(kind, count).await?, at: now };
            match self.table.put(&key.remembering(numbering), is_unused(now)).await {
                Ok(()) => return Ok(numbering),
                // Another request with the key, or our own whose answer was lost: what is remembered counts, and our numbers stay unused.
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Unavailable("other requests with the same idempotency key are in the way".to_owned()).into())
    }

    /// What the first request with `key` was given, if there was one.
    pub(crate) async fn remembered(
        &self,
        key: &IdempotencyKey,
        now: Millis,
    ) -> Result<Option<Numbering>, IdempotencyError> {
        let found: Option<Remembered> = self.table.get(&key.place()).await?;
        match found.filter(|found| found.expires_at > now.epoch_seconds()) {
            Some(found) if found.request != key.request => Err(IdempotencyError::Reused),
            found => Ok(found.map(|found| Numbering { first: found.first, at: found.at })),
        }
    }

    /// A transaction that remembers `key` with what else it writes, and fails where the key is remembered already.
    pub(crate) fn first_time(&self, key: &IdempotencyKey, numbering: Numbering) -> Result<Transaction, TableError> {
        Transaction::new().put(&self.table, &key.remembering(numbering), &is_unused(numbering.at))
    }
}

fn digest(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // With its length, so that no two lists of parts are the same text.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    BASE64.encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_of_its_caller_and_path_and_tells_requests_apart() {
        let key = |caller, path, given, body| IdempotencyKey::new(caller, path, given, body);
        let first = key("me", "/api/tasks", "k1", "{}");
        assert_eq!(first, key("me", "/api/tasks", "k1", "{}"));
        for other in [
            key("you", "/api/tasks", "k1", "{}"),
            key("me", "/api/task", "sk1", "{}"),
            key("me", "/api/tasks", "k2", "{}"),
        ] {
            assert_ne!(other.key, first.key);
        }
        let body = key("me", "/api/tasks", "k1", "{ }");
        assert!(body.key == first.key && body.request != first.request);
    }
}
