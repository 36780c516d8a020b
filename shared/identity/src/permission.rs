//! What a credential may be used for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Permission {
    /// See tasks and their logs.
    #[serde(rename = "tasks:read")]
    TasksRead,
    /// Create tasks.
    #[serde(rename = "tasks:create")]
    TasksCreate,
    /// Change tasks.
    #[serde(rename = "tasks:update")]
    TasksUpdate,
    /// Cancel and delete tasks.
    #[serde(rename = "tasks:delete")]
    TasksDelete,
    /// Download results.
    #[serde(rename = "results:read")]
    ResultsRead,
    /// Manage API keys.
    #[serde(rename = "keys:manage")]
    KeysManage,
    /// Manage the subscription.
    #[serde(rename = "billing:manage")]
    BillingManage,
    /// See usage.
    #[serde(rename = "analytics:read")]
    AnalyticsRead,
}

impl Permission {
    /// Every permission with its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("tasks:read", Self::TasksRead),
        ("tasks:create", Self::TasksCreate),
        ("tasks:update", Self::TasksUpdate),
        ("tasks:delete", Self::TasksDelete),
        ("results:read", Self::ResultsRead),
        ("keys:manage", Self::KeysManage),
        ("billing:manage", Self::BillingManage),
        ("analytics:read", Self::AnalyticsRead),
    ];

    /// All of them, as a session has.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Self::ALL.map(|(_, permission)| permission).to_vec()
    }

    /// The permission as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, permission)| *permission == self).map_or("", |(name, _)| name)
    }
}
