//! Users and keys as the contract shows them.

use api::identity::{KeyRecord, User};
use extract::{CloudAccount, Plan};
use input::schema::moment;
use serde::Serialize;
use utoipa::ToSchema;

/// A user as signing in tells them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn<'user> {
    id: &'user str,
    email: &'user str,
    full_name: &'user str,
    avatar_url: Option<&'user str>,
    subscription_tier: Plan,
    compute_units_remaining: i64,
    is_active: bool,
    #[schema(schema_with = moment)]
    created_at: String,
}

/// A user as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(crate) struct Me {
    id: String,
    email: String,
    full_name: String,
    avatar_url: Option<String>,
    subscription_tier: Plan,
    compute_units_used: i64,
    compute_units_limit: u64,
    is_active: bool,
    #[schema(schema_with = moment)]
    created_at: String,
    #[schema(schema_with = moment)]
    updated_at: String,
}

/// A key, by its preview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyView {
    id: String,
    name: String,
    description: Option<String>,
    key_preview: String,
    #[schema(value_type = Vec<api::identity::Permission>)]
    permissions: Vec<&'static str>,
    last_used_at: Option<String>,
    #[schema(schema_with = moment)]
    created_at: String,
    is_active: bool,
}

impl<'user> SignedIn<'user> {
    pub(crate) fn new(user: &'user User, account: &CloudAccount) -> Self {
        Self {
            id: &user.id,
            email: &user.email,
            full_name: &user.full_name,
            avatar_url: user.avatar_url.as_deref(),
            subscription_tier: account.period.plan,
            compute_units_remaining: account.account.units_available,
            is_active: user.is_active,
            created_at: user.created_at.to_string(),
        }
    }
}

impl Me {
    pub(crate) fn new(user: User, account: &CloudAccount) -> Self {
        Self {
            id: user.id,
            email: user.email,
            full_name: user.full_name,
            avatar_url: user.avatar_url,
            subscription_tier: account.period.plan,
            compute_units_used: account.account.units_used,
            compute_units_limit: account.period.units_limit,
            is_active: user.is_active,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.unwrap_or(user.created_at).to_string(),
        }
    }
}

impl From<KeyRecord> for KeyView {
    fn from(key: KeyRecord) -> Self {
        Self {
            id: key.id,
            name: key.name,
            description: key.description,
            key_preview: key.preview,
            permissions: key.permissions.into_iter().map(api::identity::Permission::as_str).collect(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            created_at: key.created_at.to_string(),
            is_active: key.is_active,
        }
    }
}
