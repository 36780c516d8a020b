//! What may go wrong between us and a service, whichever it is. Neither an address nor anything that the service said is in it.

use std::time::Duration;

use parameters::ParameterError;
use thiserror::Error;

/// What went wrong, as the end of a sentence that begins with the service.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no key.
    #[error("is off: the parameter {0} is not set")]
    Off(String),
    /// There is a key that cannot be read, or cannot be one.
    #[error("cannot be called: its key cannot be read")]
    Key,
    /// No connection was made, so nothing was asked.
    #[error("could not be reached")]
    Unreachable,
    /// The connection broke before the answer was complete.
    #[error("broke off before it had answered")]
    BrokenOff,
    /// The time is up.
    #[error("did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// Its answer is too long to be one.
    #[error("answered with more than {0} bytes")]
    TooLarge(usize),
    /// Its answer is not in the form that it documents.
    #[error("gave an answer that cannot be understood")]
    Garbled,
}

impl Fault {
    /// Whether the way to the service is at fault, not the service: the same request may do better at once.
    #[must_use]
    pub const fn is_of_transport(&self) -> bool {
        matches!(self, Self::Unreachable | Self::BrokenOff)
    }

    /// Whether it may be over by itself, some time.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::Off(_) | Self::Key | Self::Garbled)
    }
}

impl From<ParameterError> for Fault {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::Unset(name) => Self::Off(name),
            ParameterError::Unreadable(_) => Self::Key,
        }
    }
}

/// Sorts the HTTP client's errors, which name addresses, into ours.
pub(crate) fn sorted(error: &reqwest::Error) -> Fault {
    if error.is_connect() { Fault::Unreachable } else { Fault::BrokenOff }
}
