//! The attributes of a leasable item, and what a holder knows of its lease.

use serde::{Deserialize, Serialize};
use table::Millis;

/// The attributes that make an item leasable; flatten it into the item's type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// From when on the item may be claimed; none if it must not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimable_at: Option<Millis>,
    /// Who holds it; none between a release and the next claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_owner: Option<String>,
    /// The fencing token: how often the item has been claimed.
    #[serde(default)]
    pub lease_token: u64,
    /// The random mark of the last claim or release, by which its writer knows its own write again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_nonce: Option<String>,
}

impl LeaseState {
    /// An item that nobody has held and that may be claimed from `claimable_at` on.
    #[must_use]
    pub fn claimable_from(claimable_at: Millis) -> Self {
        Self { claimable_at: Some(claimable_at), ..Self::default() }
    }

    /// Whether somebody holds the item and its time has not run out.
    #[must_use]
    pub fn is_held(&self, now: Millis) -> bool {
        self.lease_owner.is_some() && self.claimable_at.is_some_and(|end| end > now)
    }
}

/// What a holder knows of its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The fencing token: every write under the lease is conditional on it.
    pub token: u64,
    /// When the lease ends, unless it is renewed.
    pub expires_at: Millis,
}
