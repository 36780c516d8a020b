//! A credential as it is stored, and as it is shown.

use lease::LeaseState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use table::{Key, Millis};
use utoipa::ToSchema;

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CredentialStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Free.
    Available,
    /// Held by a scraper.
    InUse,
    /// Failed until an administrator resets it.
    Failed,
    /// Resting.
    Cooldown,
    /// Switched off by an administrator.
    Disabled,
}

impl Status {
    /// Every status with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("available", Self::Available),
        ("in_use", Self::InUse),
        ("failed", Self::Failed),
        ("cooldown", Self::Cooldown),
        ("disabled", Self::Disabled),
    ];

    /// The status as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::InUse => "in_use",
            Self::Failed => "failed",
            Self::Cooldown => "cooldown",
            Self::Disabled => "disabled",
        }
    }
}

/// What a platform's credentials consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretShape {
    /// `email` and `password`.
    EmailPassword,
    /// An object `credentials`, such as a set of cookies.
    Credentials,
}

/// What a scraper signs in with. It has no `Debug`, so that it cannot slip into a log.
#[derive(PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Secret {
    /// An address and a password.
    EmailPassword {
        /// The address.
        email: String,
        /// The password.
        password: String,
    },
    /// Whatever the platform wants.
    Credentials {
        /// Names and values.
        #[schema(value_type = Object)]
        credentials: Map<String, Json>,
    },
}

impl Secret {
    /// What it consists of.
    #[must_use]
    pub const fn shape(&self) -> SecretShape {
        match self {
            Self::EmailPassword { .. } => SecretShape::EmailPassword,
            Self::Credentials { .. } => SecretShape::Credentials,
        }
    }
}

/// A credential as it is stored; its secret is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// Its number.
    pub id: u64,
    /// Where it is used: the partition key of the index `claimable`.
    pub pool: String,
    /// What the administrator calls it.
    pub name: String,
    /// The sealed secret.
    pub sealed: String,
    /// Where it stood when it was last written; see [`Credential::status_at`].
    pub status: Status,
    /// The lease.
    #[serde(flatten)]
    pub lease: LeaseState,
    /// The platform of one that is failed or disabled: the partition key of the index `parked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<Millis>,
    /// How often it has failed since the last reset.
    pub failure_count: u64,
    /// How often in a row.
    pub consecutive_failures: u64,
    /// How often it was reported as working.
    pub success_count: u64,
    /// How often it was claimed.
    pub use_count: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was last claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Millis>,
    /// What the scraper that claimed it last called its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Who held it before its last release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_holder: Option<String>,
    /// The report that ended the last lease, word for word: the same one again is answered alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_report: Option<String>,
    /// The pool's policy when it was last claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When it was added.
    pub created_at: Millis,
    /// When anything of it last changed.
    pub updated_at: Millis,
}

impl Credential {
    /// Where it stands now: a lease or a cooldown that is over makes it available, whether or not anything has been written since.
    #[must_use]
    pub fn status_at(&self, now: Millis) -> Status {
        let over = self.lease.claimable_at.is_some_and(|moment| moment <= now);
        match self.status {
            Status::InUse | Status::Cooldown if over => Status::Available,
            status => status,
        }
    }

    /// The key of the credential `id`.
    #[must_use]
    pub fn key_of(id: u64) -> Key {
        Key::new(format!("CRED#{id}"), "CRED")
    }
}
