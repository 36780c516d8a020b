//! A user.

use serde::{Deserialize, Serialize};
use table::{Key, Millis};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id, a UUID.
    pub id: String,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub full_name: String,
    /// Where a picture of them is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Whether they run this deployment.
    pub is_operator: bool,
    /// Whether they may call: of one who may not, neither keys nor sessions work.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Since when they are a user.
    pub created_at: Millis,
    /// When their profile was last changed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Millis>,
}

/// A change of a user's profile; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What they are called.
    pub full_name: Option<String>,
    /// Where a picture of them is.
    pub avatar: AvatarChange,
    /// The address they sign in with.
    pub email: Option<String>,
    /// Whether they may call.
    pub is_active: Option<bool>,
    /// Whether they run this deployment.
    pub is_operator: Option<bool>,
}

/// A change of where a user's picture is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AvatarChange {
    /// None.
    #[default]
    Stays,
    /// There is no picture any more.
    Goes,
    /// It is here now.
    At(String),
}

const fn yes() -> bool {
    true
}

pub(crate) fn key_of_user(id: &str) -> Key {
    Key::new(partition_of_user(id), "PROFILE")
}

pub(crate) fn partition_of_user(id: &str) -> String {
    format!("USER#{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_a_release_before_sessions_is_active() {
        let stored = serde_json::json!({
            "id": "u", "email": "u@example.com", "full_name": "U", "is_operator": false, "created_at": 5
        });
        let user: User = serde_json::from_value(stored).unwrap();
        assert!(user.is_active && user.avatar_url.is_none() && user.updated_at.is_none());
    }
}
