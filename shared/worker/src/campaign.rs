//! Campaigns: what tasks are done for.

use garde::Validate;
use input::{rules, schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use table::{Key, Millis};
use utoipa::ToSchema;

use crate::json_text::JsonText;
use crate::records::Kind;
use crate::task::check_object;

/// A campaign as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// `campaign`.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Whatever its makers want to keep with it.
    pub settings: JsonText,
    /// When it was made.
    pub created_at: Millis,
}

/// A campaign that is to be made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
pub struct NewCampaign {
    /// What it is called.
    #[garde(required, inner(custom(rules::name)))]
    #[schema(schema_with = schema::name)]
    name: Option<String>,
    /// Whatever its makers want to keep with it, up to 32 KiB of JSON.
    #[garde(inner(custom(check_object)))]
    #[schema(schema_with = schema::object)]
    settings: Option<Map<String, Json>>,
}

impl NewCampaign {
    /// The campaign with this number.
    #[must_use]
    pub fn at(self, id: u64, created_at: Millis) -> Campaign {
        Campaign {
            key: Kind::Campaign.key(id),
            kind: Kind::Campaign,
            id,
            name: self.name.unwrap_or_default(),
            settings: JsonText(Json::Object(self.settings.unwrap_or_default())),
            created_at,
        }
    }
}
