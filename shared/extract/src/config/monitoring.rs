//! What is `monitoring`'s own.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::schedule::Schedule;

/// The longest e-mail address (RFC 5321, section 4.5.3.1.3).
pub(crate) const LONGEST_EMAIL: usize = 254;

/// What is `monitoring`'s own: how often its pages are looked at, and who is told what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
pub struct MonitoringConfig {
    /// When its pages are looked at.
    #[serde(default)]
    #[garde(skip)]
    pub schedule: Schedule,
    /// Who is told of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(ascii, email, length(max = LONGEST_EMAIL)))]
    pub notification_email: Option<String>,
    /// How much a value must have changed for that: 0, any change at all, to 1.
    #[serde(default)]
    #[garde(custom(share))]
    pub change_threshold: f64,
}

fn share(share: &f64, (): &()) -> garde::Result {
    if (0.0..=1.0).contains(share) { Ok(()) } else { Err(garde::Error::new("must be a number from 0 to 1")) }
}
