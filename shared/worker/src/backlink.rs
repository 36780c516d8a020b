//! Backlinks: the links that workers have placed.

use garde::Validate;
use input::{rules, schema};
use serde::{Deserialize, Serialize};
use table::{Key, Millis, Update};
use utoipa::ToSchema;

use crate::records::Kind;
use crate::timestamp::Timestamp;
use crate::tracked::{Fields, Tracked};

/// The longest keyword and the longest text of a link, in characters.
const LONGEST_TEXT: usize = 500;

/// Where a link was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BacklinkType {
    /// In a comment.
    Comment,
    /// In a profile.
    Profile,
    /// In a forum.
    Forum,
    /// In a guest post.
    GuestPost,
}

impl BacklinkType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Profile => "profile",
            Self::Forum => "forum",
            Self::GuestPost => "guest_post",
        }
    }
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BacklinkStatus {
    /// It is to be placed.
    #[default]
    Pending,
    /// It was handed in.
    Submitted,
    /// It was seen where it should be.
    Verified,
    /// The site did not take it.
    Rejected,
    /// Something went wrong.
    Error,
}

impl BacklinkStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitted => "submitted",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Error => "error",
        }
    }
}

/// A backlink as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backlink {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// `backlink`.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// What it is for.
    pub campaign_id: u64,
    /// Where the link is.
    pub url: String,
    /// Where it was placed.
    #[serde(rename = "type")]
    pub backlink_type: BacklinkType,
    /// Where it stands.
    pub status: BacklinkStatus,
    /// What it is to be found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// What the link says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_text: Option<String>,
    /// The account that it was placed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_account_id: Option<u64>,
    /// When it was seen where it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// What callers send of a backlink. Whether there is such a campaign or account is not asked: they may be kept elsewhere.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
pub struct BacklinkFields {
    /// What it is for.
    #[garde(inner(range(min = 1)))]
    #[schema(schema_with = schema::number)]
    campaign_id: Option<u64>,
    /// Where the link is.
    #[garde(inner(custom(rules::web_address)))]
    #[schema(schema_with = schema::web_address)]
    url: Option<String>,
    #[garde(skip)]
    r#type: Option<BacklinkType>,
    #[garde(skip)]
    status: Option<BacklinkStatus>,
    /// What it is to be found by.
    #[garde(inner(custom(rules::line(LONGEST_TEXT))))]
    #[schema(schema_with = schema::line::<LONGEST_TEXT>)]
    keyword: Option<String>,
    /// What the link says.
    #[garde(inner(custom(rules::line(LONGEST_TEXT))))]
    #[schema(schema_with = schema::line::<LONGEST_TEXT>)]
    anchor_text: Option<String>,
    /// The account that it was placed with.
    #[garde(inner(range(min = 1)))]
    #[schema(schema_with = schema::number)]
    site_account_id: Option<u64>,
    /// When it was seen where it should be.
    #[garde(skip)]
    #[schema(schema_with = schema::moment)]
    verified_at: Option<Timestamp>,
}

impl Tracked for Backlink {
    type Fields = BacklinkFields;
}

impl Fields for BacklinkFields {
    type Record = Backlink;
    const NEEDED: &'static [&'static str] = &["campaign_id", "url", "type"];

    fn at(self, id: u64, created_at: Millis) -> Backlink {
        Backlink {
            key: Kind::Backlink.key(id),
            kind: Kind::Backlink,
            id,
            campaign_id: self.campaign_id.unwrap_or_default(),
            url: self.url.unwrap_or_default(),
            backlink_type: self.r#type.unwrap_or(BacklinkType::Comment),
            status: self.status.unwrap_or_default(),
            keyword: self.keyword,
            anchor_text: self.anchor_text,
            site_account_id: self.site_account_id,
            verified_at: self.verified_at.map(|moment| moment.0),
            created_at,
            updated_at: created_at,
        }
    }

    fn change(self) -> Update {
        Update::new()
            .set_given("campaign_id", self.campaign_id)
            .set_given("url", self.url)
            .set_given("type", self.r#type.map(BacklinkType::as_str))
            .set_given("status", self.status.map(BacklinkStatus::as_str))
            .set_given("keyword", self.keyword)
            .set_given("anchor_text", self.anchor_text)
            .set_given("site_account_id", self.site_account_id)
            .set_given("verified_at", self.verified_at.map(|moment| moment.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tracked::testing::{assert_changes_as_made, faults};

    #[test]
    fn all_faults_are_told_at_once() {
        let wrong = json!({
            "campaign_id": 0, "url": "example.com", "type": "banner", "status": "done", "keyword": "x".repeat(501),
            "anchor_text": "a\nb", "site_account_id": -1, "verified_at": "2025-12-03",
        });
        for (body, fields) in [
            (json!({"campaign_id": 5, "url": "https://example.com/", "type": "comment"}), vec![]),
            (json!({}), vec!["campaign_id", "url", "type"]),
            (json!({"url": null, "type": "forum", "campaign_id": 5}), vec!["url"]),
            (
                wrong,
                vec![
                    "type",
                    "status",
                    "site_account_id",
                    "verified_at",
                    "anchor_text",
                    "campaign_id",
                    "keyword",
                    "url",
                ],
            ),
        ] {
            assert_eq!(faults::<BacklinkFields>(&body), fields, "{body}");
        }
    }

    #[test]
    fn every_field_can_be_changed() {
        let least = json!({"campaign_id": 5, "url": "https://example.com/", "type": "comment"});
        let all = json!({
            "campaign_id": 6, "url": "https://example.com/article#comment-123", "type": "guest_post", "status": "verified",
            "keyword": "seo tools", "anchor_text": "best seo tools", "site_account_id": 10, "verified_at": "2025-12-03T10:15:00Z",
        });
        assert_changes_as_made::<Backlink>(&least, &all);
    }
}
