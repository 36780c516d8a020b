//! An endpoint: where a user wants to be told.

use serde::{Deserialize, Serialize};
use table::{Key, Millis};
use uuid::Uuid;

use crate::event::TaskEvent;

/// An endpoint as it is stored. It has no `Debug`: its secrets are sealed, and belong in no log even so.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: String,
    /// Where it is.
    pub url: String,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is told of, each once, in the order of [`TaskEvent::ALL`].
    pub events: Vec<TaskEvent>,
    /// Whether it is told anything.
    pub is_active: bool,
    /// Why it is not, in words for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// Since when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Millis>,
    /// Whether its owner is still to be told that it was switched off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) owner_untold: bool,
    /// The first failed attempt since the last that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Millis>,
    /// What deliveries are signed with, the newest first.
    pub(crate) secrets: Vec<SealedSecret>,
    /// How often it was changed: a whole write is conditional on it.
    pub(crate) version: u64,
    /// When it was registered.
    pub created_at: Millis,
    /// When its owner last changed it.
    pub updated_at: Millis,
}

/// A secret at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedSecret {
    /// Opened by nobody without the right to ask KMS, and for no other endpoint.
    pub(crate) sealed: String,
    /// Until when it signs; none for the one that was made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signs_until: Option<Millis>,
}

impl Endpoint {
    /// The sealed secrets that sign at `now`, the newest first.
    pub fn signing_secrets(&self, now: Millis) -> impl Iterator<Item = &str> {
        let signs = move |secret: &&SealedSecret| secret.signs_until.is_none_or(|until| now < until);
        self.secrets.iter().filter(signs).map(|secret| secret.sealed.as_str())
    }

    /// Until when secrets sign besides the one that was made last, if there are any.
    #[must_use]
    pub fn previous_secrets_sign_until(&self, now: Millis) -> Option<Millis> {
        self.secrets.iter().filter_map(|secret| secret.signs_until).filter(|until| now < *until).max()
    }

    /// What its secrets are sealed to.
    #[must_use]
    pub fn seal_owner(&self) -> &str {
        &self.key.sk
    }

    /// Whether it is to be told of this.
    #[must_use]
    pub fn wants(&self, event: TaskEvent) -> bool {
        self.is_active && self.events.contains(&event)
    }
}
