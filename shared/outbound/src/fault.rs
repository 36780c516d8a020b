//! What may go wrong on the way to a service. Neither an address nor anything that the service said is in it.

use std::time::Duration;

use thiserror::Error;

/// What went wrong, as the end of a sentence that begins with the service.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
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
}

impl Fault {
    /// Whether the way to the service is at fault, not the service: the same request may do better at once.
    #[must_use]
    pub const fn is_of_transport(&self) -> bool {
        matches!(self, Self::Unreachable | Self::BrokenOff)
    }
}

/// Sorts the HTTP client's errors, which name addresses, into ours.
pub(crate) fn sorted(error: &reqwest::Error) -> Fault {
    if error.is_connect() { Fault::Unreachable } else { Fault::BrokenOff }
}
