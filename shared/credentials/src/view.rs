//! A credential as it is shown: without its secret.

use input::schema::moment;
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;

use crate::credential::{Credential, Status};

/// A credential as administrators see it: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "platform": "linkedin", "name": "Account 1", "status": "available", "in_use_by": null, "session_id": null,
    "lease_token": 7, "lease_expires_at": null, "cooldown_until": null, "failure_count": 3, "consecutive_failures": 0,
    "success_count": 40, "use_count": 43, "last_error": "Rate limited", "last_used_at": "2024-01-15T10:30:00Z",
    "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-15T10:30:00Z",
}))]
pub struct CredentialView {
    /// Its number.
    pub id: u64,
    /// Where it is used.
    pub platform: String,
    /// What it is called.
    pub name: String,
    /// Where it stands now.
    pub status: Status,
    /// The id of the key that holds it.
    pub in_use_by: Option<String>,
    /// What the scraper that holds it calls its session.
    pub session_id: Option<String>,
    /// The fencing token: how often it was claimed.
    pub lease_token: u64,
    /// When the lease ends.
    pub lease_expires_at: Option<String>,
    /// When the cooldown ends.
    pub cooldown_until: Option<String>,
    /// How often it has failed since the last reset.
    pub failure_count: u64,
    /// How often in a row.
    pub consecutive_failures: u64,
    /// How often it was reported as working.
    pub success_count: u64,
    /// How often it was claimed.
    pub use_count: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was last claimed.
    pub last_used_at: Option<String>,
    /// When it was added.
    #[schema(schema_with = moment)]
    pub created_at: String,
    /// When anything of it last changed.
    #[schema(schema_with = moment)]
    pub updated_at: String,
}

impl CredentialView {
    /// A credential as it stands at `now`.
    #[must_use]
    pub fn of(credential: &Credential, now: Millis) -> Self {
        let status = credential.status_at(now);
        let shown = |moment: Option<Millis>| moment.map(|moment| moment.to_string());
        let until = credential.lease.claimable_at;
        Self {
            id: credential.id,
            platform: credential.pool.clone(),
            name: credential.name.clone(),
            status,
            in_use_by: credential.lease.lease_owner.clone().filter(|_| status == Status::InUse),
            session_id: credential.session_id.clone().filter(|_| status == Status::InUse),
            lease_token: credential.lease.lease_token,
            lease_expires_at: shown(until.filter(|_| status == Status::InUse)),
            cooldown_until: shown(until.filter(|_| status == Status::Cooldown)),
            failure_count: credential.failure_count,
            consecutive_failures: credential.consecutive_failures,
            success_count: credential.success_count,
            use_count: credential.use_count,
            last_error: credential.last_error.clone(),
            last_used_at: shown(credential.last_used_at),
            created_at: credential.created_at.to_string(),
            updated_at: credential.updated_at.to_string(),
        }
    }
}
