//! The id that ties a request's answer to its log lines.

use std::fmt;
use std::str::FromStr;

/// The id of one request: the caller's own, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

/// Why a caller's id is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRequestId;

impl RequestId {
    /// The longest id taken from a caller, in bytes (RULINGS.md, "One deployment, five APIs").
    pub const MAX_LENGTH: usize = 128;

    /// A new id, unique.
    #[must_use]
    pub fn generate() -> Self {
        Self(format!("req_{}", uuid::Uuid::new_v4().simple()))
    }

    /// The id as text: visible ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(id: &str) -> Result<Self, InvalidRequestId> {
        let fits = (1..=Self::MAX_LENGTH).contains(&id.len());
        if fits && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(id.to_owned()))
        } else {
            Err(InvalidRequestId)
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_if_visible_ascii_of_up_to_128() {
        for good in ["a", "req_1234567890", "!~", &"x".repeat(128)] {
            assert_eq!(good.parse::<RequestId>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a\nb", "ä", "\u{7f}", &"x".repeat(129)] {
            assert_eq!(bad.parse::<RequestId>(), Err(InvalidRequestId), "{bad:?}");
        }
    }

    #[test]
    fn generated_ids_differ_and_are_valid() {
        let id = RequestId::generate();
        assert_ne!(id, RequestId::generate());
        assert!(id.as_str().parse::<RequestId>().is_ok());
    }
}
