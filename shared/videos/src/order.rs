//! What a job is to fetch.

use serde::{Deserialize, Serialize};
use table::Millis;
use utoipa::ToSchema;

/// What the value of an order names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = VideoMode)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A user, whose videos are fetched.
    Profile,
    /// A hashtag, which videos have.
    Hashtag,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Profile, Self::Hashtag];

    /// The mode as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Hashtag => "hashtag",
        }
    }
}

/// What a job is to fetch, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What `value` names.
    pub mode: Mode,
    /// A user name without `@`, or a hashtag without `#`.
    pub value: String,
    /// How many videos, at most.
    pub limit: u32,
    /// Whether a version without a watermark is looked for.
    pub no_watermark: bool,
    /// Only videos made then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Only videos made then or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// The folder of Google Drive that the folders are made in; the deployment's own if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive_folder_id: Option<String>,
}

impl Order {
    /// What makes two orders fetch into the same folder, whatever the month.
    pub(crate) fn folder(&self) -> String {
        let root = self.drive_folder_id.as_deref().unwrap_or("-");
        format!("{root}#{}#{}", self.mode.as_str(), self.value.to_lowercase())
    }
}
