//! Site accounts: what workers have opened at the sites that they work on. No password is kept: nobody asks for one.

use garde::Validate;
use input::{rules, schema};
use serde::{Deserialize, Serialize};
use table::{Key, Millis, Update};
use utoipa::ToSchema;

use crate::records::Kind;
use crate::timestamp::Timestamp;
use crate::tracked::{Fields, Tracked};

/// The longest name of a user, in characters.
const LONGEST_USERNAME: usize = 255;
/// The longest e-mail address (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// Where an account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SiteAccountStatus {
    /// It was opened.
    #[default]
    Created,
    /// The site wants to see that the e-mail address is its owner's.
    PendingVerification,
    /// It may be used.
    Verified,
    /// It was not to be had.
    Failed,
}

impl SiteAccountStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::PendingVerification => "pending_verification",
            Self::Verified => "verified",
            Self::Failed => "failed",
        }
    }
}

/// A site account as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteAccount {
    /// Where it is.
    #[serde(flatten)]
    pub key: Key,
    /// `site_account`.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// What it is for.
    pub campaign_id: u64,
    /// The site.
    pub site_domain: String,
    /// Who its user is, at the site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The address that it was opened with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where it stands.
    pub status: SiteAccountStatus,
    /// Where its e-mail address is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_link: Option<String>,
    /// When it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// What callers send of a site account. Whether there is such a campaign is not asked.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
pub struct SiteAccountFields {
    /// What it is for.
    #[garde(inner(range(min = 1)))]
    #[schema(schema_with = schema::number)]
    campaign_id: Option<u64>,
    /// The site.
    #[garde(inner(custom(rules::domain)))]
    #[schema(schema_with = schema::domain)]
    site_domain: Option<String>,
    /// Who its user is, at the site.
    #[garde(inner(length(min = 1), custom(rules::line(LONGEST_USERNAME))))]
    #[schema(schema_with = schema::full_line::<LONGEST_USERNAME>)]
    username: Option<String>,
    /// The address that it was opened with.
    #[garde(inner(email, length(max = LONGEST_EMAIL)))]
    #[schema(schema_with = schema::email::<LONGEST_EMAIL>)]
    email: Option<String>,
    #[garde(skip)]
    status: Option<SiteAccountStatus>,
    /// Where its e-mail address is verified.
    #[garde(inner(custom(rules::web_address)))]
    #[schema(schema_with = schema::web_address)]
    verification_link: Option<String>,
    /// When it was verified.
    #[garde(skip)]
    #[schema(schema_with = schema::moment)]
    verified_at: Option<Timestamp>,
}

impl Tracked for SiteAccount {
    type Fields = SiteAccountFields;
}

impl Fields for SiteAccountFields {
    type Record = SiteAccount;
    const NEEDED: &'static [&'static str] = &["campaign_id", "site_domain"];

    fn at(self, id: u64, created_at: Millis) -> SiteAccount {
        SiteAccount {
            key: Kind::SiteAccount.key(id),
            kind: Kind::SiteAccount,
            id,
            campaign_id: self.campaign_id.unwrap_or_default(),
            site_domain: self.site_domain.unwrap_or_default(),
            username: self.username,
            email: self.email,
            status: self.status.unwrap_or_default(),
            verification_link: self.verification_link,
            verified_at: self.verified_at.map(|moment| moment.0),
            created_at,
            updated_at: created_at,
        }
    }

    fn change(self) -> Update {
        Update::new()
            .set_given("campaign_id", self.campaign_id)
            .set_given("site_domain", self.site_domain)
            .set_given("username", self.username)
            .set_given("email", self.email)
            .set_given("status", self.status.map(SiteAccountStatus::as_str))
            .set_given("verification_link", self.verification_link)
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
            "campaign_id": 1.5, "site_domain": "https://example.com", "username": "", "email": "john@", "status": "new",
            "verification_link": "mailto:john@example.com", "verified_at": 5,
        });
        for (body, fields) in [
            (json!({"campaign_id": 5, "site_domain": "example.com"}), vec![]),
            (json!({}), vec!["campaign_id", "site_domain"]),
            (
                wrong,
                vec!["campaign_id", "status", "verified_at", "email", "site_domain", "username", "verification_link"],
            ),
        ] {
            assert_eq!(faults::<SiteAccountFields>(&body), fields, "{body}");
        }
    }

    #[test]
    fn every_field_can_be_changed() {
        let least = json!({"campaign_id": 5, "site_domain": "example.com"});
        let all = json!({
            "campaign_id": 6, "site_domain": "example.org", "username": "john_doe", "email": "john@example.com",
            "status": "pending_verification", "verification_link": "https://example.com/verify?token=abc123",
            "verified_at": "2025-12-03T10:20:00Z",
        });
        assert_changes_as_made::<SiteAccount>(&least, &all);
    }
}
