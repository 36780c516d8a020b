//! A user: who logs in, and for which tenant.

use garde::Validate;
use input::{Fault, form, form_needing, schema};
use secrets::{Password, PasswordHash};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use table::{Key, Millis};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::{name, name_schema, new_password, new_password_schema};

/// A user as they are stored. They have no `Debug`: the hash of a password is nobody's business.
#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    #[serde(flatten)]
    pub(crate) key: Key,
    /// The user's id: who has the name after them is another.
    pub id: Uuid,
    /// What they log in with, as it was registered.
    pub name: String,
    /// Whose accounts and jobs are theirs.
    pub tenant: String,
    pub(crate) password_hash: PasswordHash,
    /// Whether they may log in and call.
    pub is_active: bool,
    /// How often what they had logged in with became void: their tokens say which time they are of.
    pub(crate) generation: u64,
    /// Since when they are a user.
    pub created_at: Millis,
    /// When anything of them last changed.
    pub updated_at: Millis,
}

/// What administrators send of a new user.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UserFields {
    /// What they log in with; upper and lower case are the same.
    #[garde(inner(custom(name)))]
    #[schema(schema_with = name_schema)]
    username: Option<String>,
    /// What they log in with.
    #[garde(inner(custom(new_password)))]
    #[schema(schema_with = new_password_schema)]
    password: Option<Password>,
    /// With whom they share accounts and jobs; with nobody unless given: their tenant has their name.
    #[garde(inner(custom(name)))]
    #[schema(schema_with = name_schema)]
    tenant: Option<String>,
}

/// What administrators change of a user.
#[derive(Deserialize, Validate, ToSchema)]
pub struct UserChange {
    /// What they log in with from now on. Their tokens are void.
    #[garde(inner(custom(new_password)))]
    #[schema(schema_with = new_password_schema)]
    pub(crate) password: Option<Password>,
    /// Whether they may log in and call. Of one who may not, the tokens are void.
    #[garde(skip)]
    #[schema(schema_with = schema::flag)]
    pub(crate) is_active: Option<bool>,
}

/// A user that is to be made.
pub(crate) struct NewUser {
    pub(crate) name: String,
    pub(crate) password: Password,
    pub(crate) tenant: String,
}

impl User {
    /// Whether a user, or a tenant, may have this name.
    #[must_use]
    pub fn may_be_called(text: &str) -> bool {
        name(text, &()).is_ok()
    }
}

impl UserFields {
    /// The fields without which none is made.
    pub const NEEDED: [&str; 2] = ["username", "password"];

    /// Reads a new user.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        form_needing(body, &Self::NEEDED)
    }

    pub(crate) fn new_user(self) -> Option<NewUser> {
        let (name, password) = (self.username?, self.password?);
        let tenant = self.tenant.as_deref().unwrap_or(&name).to_lowercase();
        Some(NewUser { name, password, tenant })
    }
}

impl UserChange {
    /// Reads a change.
    pub fn read(body: &Json) -> Result<Self, Vec<Fault>> {
        form(body)
    }

    /// Whether nothing is changed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.password.is_none() && self.is_active.is_none()
    }

    /// Whether what they had logged in with becomes void.
    pub(crate) const fn voids_tokens(&self) -> bool {
        self.password.is_some() || matches!(self.is_active, Some(false))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tenant_is_the_users_own_unless_another_is_named() {
        let read = |body: Json| UserFields::read(&body).ok().and_then(UserFields::new_user);
        let alone = read(json!({"username": "Alice", "password": "long enough to be one"})).unwrap();
        assert_eq!((alone.name.as_str(), alone.tenant.as_str()), ("Alice", "alice"));
        let shared = read(json!({"username": "bob", "password": "long enough to be one", "tenant": "ACME"})).unwrap();
        assert_eq!(shared.tenant, "acme");
    }

    #[test]
    fn what_is_wrong_with_a_password_is_told_without_it() {
        for password in [json!("too short"), json!(1_234_567_890_123_u64), json!(["hunter2hunter2"])] {
            let faults = UserFields::read(&json!({"username": "alice", "password": password})).err().unwrap();
            let told = format!("{faults:?}");
            assert!(faults.len() == 1 && faults[0].field == "password", "{told}");
            assert!(!["too short", "1234567890123", "hunter2"].iter().any(|secret| told.contains(secret)), "{told}");
        }
    }

    #[test]
    fn a_new_password_and_a_deactivation_void_tokens() {
        for (change, is_empty, voids) in [
            (json!({}), true, false),
            (json!({"is_active": true}), false, false),
            (json!({"is_active": false}), false, true),
            (json!({"password": "long enough to be one"}), false, true),
        ] {
            let read = UserChange::read(&change).ok().unwrap();
            assert_eq!((read.is_empty(), read.voids_tokens()), (is_empty, voids), "{change}");
        }
    }
}
