//! An API key, as it is stored.

use secrets::KeyHash;
use serde::{Deserialize, Serialize};
use table::{Key, Millis};

use crate::permission::Permission;

/// Which API a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The extraction cloud.
    #[default]
    Cloud,
    /// The credential queue.
    Scraper,
    /// The worker API.
    Worker,
    /// The video jobs, which belong to the key's owner.
    Video,
}

/// A key as it is stored, with what a request needs to know of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's id, a UUID.
    pub id: String,
    /// Which API it is for.
    #[serde(default)]
    pub kind: KeyKind,
    /// Whose it is.
    pub user_id: String,
    /// Whether the owner runs this deployment. Of the extraction cloud's keys the owner's own record says so.
    pub is_operator: bool,
    /// What the owner calls it.
    pub name: String,
    /// What the owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its first characters.
    pub preview: String,
    /// What it may be used for.
    pub permissions: Vec<Permission>,
    /// Whether it works.
    pub is_active: bool,
    /// When it was last used, to some minutes; of the extraction cloud's keys alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
}

pub(crate) fn key_of_api_key(hash: &KeyHash) -> Key {
    stored_at(hash.as_str())
}

pub(crate) fn stored_at(hash: &str) -> Key {
    Key::new(format!("KEY#{hash}"), "KEY")
}
