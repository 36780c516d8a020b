//! What the functions that keep the worker API's records share: pages of them, and requests that come again.

use input::Fault;
use serde_json::Value as Json;
use table::TableError;
use worker::{IdempotencyError, IdempotencyKey, Listing};

use super::{Error, Idempotent};
use crate::query::Parameters;

/// The longest cursor that is read, in characters.
pub const LONGEST_CURSOR: usize = 2_000;

impl Idempotent {
    /// The key that the token `caller` has sent with `body`, if it has sent one.
    #[must_use]
    pub fn key(&self, caller: &str, body: &Json) -> Option<IdempotencyKey> {
        Some(IdempotencyKey::new(caller, &self.path, self.given.as_deref()?, &body.to_string()))
    }
}

impl From<IdempotencyError> for Error {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Reused => Self::bad_request("This Idempotency-Key was used with another request"),
            IdempotencyError::Table(error) => error.into(),
        }
    }
}

/// The page of a listing that `limit` and `cursor` ask for.
pub async fn page<T>(
    given: &Parameters,
    list: impl AsyncFnOnce(u32, Option<&str>) -> Result<Option<Listing<T>>, TableError>,
) -> Result<Listing<T>, Error> {
    let limit = u32::try_from(given.limit()?).unwrap_or(1);
    let listing = list(limit, given.text("cursor", LONGEST_CURSOR)?).await?;
    listing.ok_or_else(|| Fault::new("cursor", "must be a next_cursor of this listing").into())
}
