//! What callers send: types and bounds, each fault with what would be right.

use std::convert::Infallible;

use ::input::schema::{digits, number as positive, pattern};
use api::scraper_credentials::Error;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use credentials::LONGEST_PLATFORM;
use credentials::fields::{self, FieldError};
use serde_json::Value as Json;

::input::parameters! {
    /// The platform of a path.
    pub(crate) PlatformPath {
        path "platform" "`linkedin`, `glassdoor`, `techfetch`, or one that an administrator has added." =>
            pattern(1, LONGEST_PLATFORM, "^[a-z0-9_-]+$"),
    }
}

::input::parameters! {
    /// The credential of a path.
    pub(crate) CredentialPath {
        path "credential_id" "The credential's number." => positive(),
    }
}

::input::parameters! {
    /// By what a scraper says which of its leases it means.
    pub(crate) LeaseToken {
        header "X-Lease-Token" "The fencing token that came with the credential. Without it the caller's key must hold the lease." =>
            digits(),
    }
}

/// The number of a credential in a path. What is no positive integer names nothing: a 404.
pub(crate) struct Number(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let missing = Error::not_found("Credential not found");
        let Ok(axum::extract::Path(text)) = axum::extract::Path::<String>::from_request_parts(parts, state).await
        else {
            return Err(missing);
        };
        // Only digits: "+5", "5.0" and "05" would be other names of the same thing.
        match text.parse::<u64>() {
            Ok(number) if number > 0 && number.to_string() == text => Ok(Self(number)),
            _ => Err(missing),
        }
    }
}

/// A name in a path; empty, which nothing is called, where it is no UTF-8.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let name = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(name.map_or_else(|_| String::new(), |axum::extract::Path(name)| name)))
    }
}

/// An optional text of a body; null counts as not given.
pub(crate) fn text<'body>(body: &'body Json, name: &str, longest: usize) -> Result<Option<&'body str>, Error> {
    fields::text(body, name, longest).map_err(|error| wrong(&error))
}

/// A text of a body that must be there and hold something.
pub(crate) fn needed<'body>(body: &'body Json, name: &str, longest: usize) -> Result<&'body str, Error> {
    fields::needed(body, name, longest).map_err(|error| wrong(&error))
}

/// What is wrong with a field, as the caller is told.
pub(crate) fn wrong(error: &FieldError) -> Error {
    Error::invalid(error.to_string())
}

/// An optional whole number of a body, from `smallest` to `largest`; null counts as not given.
pub(crate) fn number(body: &Json, name: &str, smallest: u64, largest: u64) -> Result<Option<u64>, Error> {
    match body.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(given) => match given.as_u64().or_else(|| whole_number(given)) {
            Some(number) if (smallest..=largest).contains(&number) => Ok(Some(number)),
            _ => Err(Error::invalid(format!("{name} must be a whole number from {smallest} to {largest}"))),
        },
    }
}

/// A number that is written with a fraction of nothing, as some clients write all of theirs: `30.0` (JSON Schema, "integer").
fn whole_number(given: &Json) -> Option<u64> {
    let number = given.as_f64().filter(|number| number.fract() == 0.0)?;
    format!("{number:.0}").parse().ok()
}

/// The fencing token of a request, if it has one.
pub(crate) fn lease_token(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let Some(given) = headers.get("x-lease-token") else { return Ok(None) };
    let token = given.to_str().ok().and_then(|token| token.trim().parse().ok());
    token
        .map(Some)
        .ok_or_else(|| Error::invalid("X-Lease-Token must be the whole number that came with the credential"))
}
