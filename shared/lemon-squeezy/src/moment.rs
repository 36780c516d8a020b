//! Times as Lemon Squeezy writes them: `2021-08-11T13:54:19.000000Z`. What comes after the second is always zero.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use table::Millis;

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    read(&String::deserialize(deserializer)?)
}

/// A time that may be null.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Millis>, D::Error> {
    Option::<String>::deserialize(deserializer)?.as_deref().map(read).transpose()
}

fn read<E: Error>(text: &str) -> Result<Millis, E> {
    Millis::parse_timestamp(text).ok_or_else(|| E::custom("no time"))
}
