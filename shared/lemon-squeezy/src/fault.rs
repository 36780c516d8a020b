//! What may go wrong with Lemon Squeezy, in words that callers may be told. Nothing that it says itself is in them: a message of its own may repeat
//! the key.

use parameters::ParameterError;
use thiserror::Error;

/// What is waited after a 429 that does not say how long, in seconds: its limit is 300 requests a minute.
pub(crate) const USUAL_WAIT: u64 = 60;
/// The longest wait that a 429 is believed, in seconds.
const LONGEST_WAIT: u64 = 3_600;

/// What went wrong, as the end of a sentence that begins with Lemon Squeezy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It could not be asked, or its answer not be read.
    #[error(transparent)]
    Service(#[from] outbound::Fault),
    /// Too many requests; it will take more in so many seconds.
    #[error("has had too many requests of ours")]
    Busy(u64),
    /// It is down: an answer of 500 or more.
    #[error("is out of order: status {0}")]
    Down(u16),
    /// It does not know what was asked for.
    #[error("does not know it")]
    Missing,
    /// It will not.
    #[error("refused the request: status {0}")]
    Refused(u16),
}

impl Fault {
    /// In how many seconds the same request may do better, if it may.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy(seconds) => Some(*seconds),
            Self::Service(fault) if fault.may_pass() => Some(USUAL_WAIT),
            Self::Down(_) => Some(USUAL_WAIT),
            Self::Service(_) | Self::Missing | Self::Refused(_) => None,
        }
    }

    /// The fault that a status stands for, if it stands for one.
    pub(crate) fn of_status(status: u16, retry_after: Option<&str>) -> Option<Self> {
        match status {
            200..=299 => None,
            404 => Some(Self::Missing),
            429 => {
                let seconds = retry_after.and_then(|seconds| seconds.trim().parse().ok());
                Some(Self::Busy(seconds.unwrap_or(USUAL_WAIT).clamp(1, LONGEST_WAIT)))
            }
            500.. => Some(Self::Down(status)),
            _ => Some(Self::Refused(status)),
        }
    }
}

impl From<ParameterError> for Fault {
    fn from(error: ParameterError) -> Self {
        Self::Service(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_went_wrong_and_when_it_may_be_over() {
        for (status, header, fault, wait) in [
            (302, None, Fault::Refused(302), None),
            (401, None, Fault::Refused(401), None),
            (404, None, Fault::Missing, None),
            (422, Some("5"), Fault::Refused(422), None),
            (429, Some("7"), Fault::Busy(7), Some(7)),
            (429, Some(" 0"), Fault::Busy(1), Some(1)),
            (429, Some("99999999"), Fault::Busy(3_600), Some(3_600)),
            (429, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Fault::Busy(60), Some(60)),
            (429, None, Fault::Busy(60), Some(60)),
            (503, Some("7"), Fault::Down(503), Some(60)),
        ] {
            let told = Fault::of_status(status, header);
            assert_eq!(told.as_ref().and_then(Fault::retry_after), wait, "{status} {header:?}");
            assert_eq!(told, Some(fault), "{status} {header:?}");
        }
        assert_eq!([200, 201, 204].map(|status| Fault::of_status(status, None)), [None, None, None]);
    }
}
