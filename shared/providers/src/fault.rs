//! What may go wrong with a provider, in words that callers may be told. Of what a provider itself says nothing is in them but the name of an
//! error: a message of its own may repeat the key.

use std::fmt;
use std::time::Duration;

use parameters::{ParameterError, Parameters};
use thiserror::Error;

/// The longest name of an error that is told.
const LONGEST_NAME: usize = 60;

/// What went wrong, as the end of a sentence that begins with the provider.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It could not be asked, or its answer not be read.
    #[error(transparent)]
    Service(#[from] outbound::Fault),
    /// It answered that it will not.
    #[error("refused the request: {0}")]
    Refused(Refusal),
    /// Its answer has nothing in it.
    #[error("gave an empty answer")]
    Empty,
}

/// A provider's word that it will not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; some providers refuse with a 200.
    pub status: u16,
    /// The error's name, as `rate_limit_exceeded`.
    pub name: Option<String>,
}

impl Refusal {
    /// A refusal with this status, and the name if it is one and no part of the key.
    #[must_use]
    pub(crate) fn new(status: u16, name: Option<&str>, key: &str) -> Self {
        let is_name = |name: &&str| {
            let words = name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            words && (1..=LONGEST_NAME).contains(&name.len()) && !key.contains(name) && !name.contains(key)
        };
        Self { status, name: name.filter(is_name).map(str::to_owned) }
    }

    /// Whether it is the key that is refused.
    #[must_use]
    pub(crate) fn is_of_key(&self) -> bool {
        matches!(self.status, 401 | 403)
            || matches!(self.name.as_deref(), Some("ERROR_KEY_DOES_NOT_EXIST" | "ERROR_WRONG_USER_KEY"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.name) {
            (200, Some(name)) => f.write_str(name),
            (status, Some(name)) => write!(f, "status {status}, {name}"),
            (status, None) => write!(f, "status {status}"),
        }
    }
}

impl From<ParameterError> for Fault {
    fn from(error: ParameterError) -> Self {
        Self::Service(error.into())
    }
}

impl Fault {
    /// Its answer is not in the form that it documents.
    pub(crate) const GARBLED: Self = Self::Service(outbound::Fault::Garbled);

    /// The time is up.
    pub(crate) const fn timed_out(limit: Duration) -> Self {
        Self::Service(outbound::Fault::TimedOut(limit))
    }

    /// Whether the way to the provider is at fault, not the provider: the same request may do better at once.
    #[must_use]
    pub const fn is_of_transport(&self) -> bool {
        matches!(self, Self::Service(fault) if fault.is_of_transport())
    }

    /// Forgets the key `name` if it is what was refused: by the next request the operator may have set another.
    pub(crate) fn forget_refused(&self, keys: &Parameters, name: &'static str) {
        if matches!(self, Self::Refused(refusal) if refusal.is_of_key()) {
            keys.forget_refused(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_only_what_can_be_no_key_is_told() {
        const KEY: &str = "sk-proj-secret";
        for (name, told) in [
            (Some("rate_limit_exceeded"), "status 429, rate_limit_exceeded"),
            (Some("ERROR_ZERO_BALANCE"), "status 429, ERROR_ZERO_BALANCE"),
            (Some("sk-proj-secret"), "status 429"),
            (Some("secret"), "status 429"),
            (Some("Incorrect API key"), "status 429"),
            (Some("code_1"), "status 429"),
            (Some(""), "status 429"),
            (Some(&"x".repeat(61)), "status 429"),
            (None, "status 429"),
        ] {
            assert_eq!(Refusal::new(429, name, KEY).to_string(), told);
        }
        assert_eq!(Refusal::new(200, Some("ERROR_ZERO_BALANCE"), KEY).to_string(), "ERROR_ZERO_BALANCE");
    }
}
