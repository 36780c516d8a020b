//! Platforms: data, not code. Three are known from the start (`platforms.json`); an administrator adds others and changes any.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::credential::SecretShape;

/// The longest name of a platform.
pub const LONGEST_PLATFORM: usize = 40;

/// Where credentials are used, and how its pool is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Platform {
    /// Its name in paths: 1 to 40 lower-case letters, digits, `-` and `_`.
    #[schema(example = "linkedin")]
    pub name: String,
    /// What its credentials consist of.
    pub secret: SecretShape,
    /// How its pool is run.
    #[serde(flatten)]
    pub policy: PoolPolicy,
}

impl Platform {
    /// Whether a platform may be called so.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        (1..=LONGEST_PLATFORM).contains(&name.len()) && name.bytes().all(fits)
    }
}

/// How a pool is run. A claim takes a copy of it along: a report is judged by the rules under which the credential was claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolPolicy {
    /// How long a claim lasts, in seconds, unless the caller says otherwise.
    #[serde(default = "quarter_of_an_hour")]
    pub lease_seconds: u64,
    /// Which credential goes first.
    #[serde(default)]
    pub order: Order,
    /// The cooldown after the first of consecutive failures, in minutes; it doubles with each. 0: what the caller asks for, no more.
    #[serde(default)]
    pub cooldown_base_minutes: u64,
    /// The longest cooldown that doubling makes, in minutes.
    #[serde(default = "a_day")]
    pub cooldown_cap_minutes: u64,
    /// After how many consecutive failures a credential is failed for good; none: only when the caller says so.
    #[serde(default)]
    pub retire_after: Option<u64>,
}

impl Default for PoolPolicy {
    fn default() -> Self {
        Self {
            lease_seconds: quarter_of_an_hour(),
            order: Order::default(),
            cooldown_base_minutes: 0,
            cooldown_cap_minutes: a_day(),
            retire_after: None,
        }
    }
}

impl PoolPolicy {
    /// The policy as a credential carries it: equal texts are equal policies.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Which of the free credentials goes first, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The one that has been free longest.
    #[default]
    LeastRecentlyUsed,
    /// The one that was used least often.
    LeastUsed,
}

const fn quarter_of_an_hour() -> u64 {
    900
}

const fn a_day() -> u64 {
    1_440
}

/// The platforms that are known from the start.
pub(crate) fn known_from_the_start() -> Vec<Platform> {
    serde_json::from_str(include_str!("platforms.json")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_three_platforms_are_known_from_the_start() {
        let platforms = known_from_the_start();
        let shapes: Vec<_> = platforms.iter().map(|platform| (platform.name.as_str(), platform.secret)).collect();
        assert_eq!(
            shapes,
            [
                ("linkedin", SecretShape::EmailPassword),
                ("glassdoor", SecretShape::Credentials),
                ("techfetch", SecretShape::EmailPassword)
            ]
        );
        assert!(platforms.iter().all(|platform| platform.policy == PoolPolicy::default()));
    }
}
