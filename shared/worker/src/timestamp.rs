//! Moments as callers write them.

use serde::{Deserialize, Deserializer};
use table::Millis;

/// A moment that is read from an RFC 3339 date-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) Millis);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("must be a date and time with a zone, as 2025-12-03T10:15:00Z");
        Millis::parse_timestamp(&text).map(Self).ok_or_else(wrong)
    }
}
