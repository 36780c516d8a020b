//! Subscriptions. <https://docs.lemonsqueezy.com/api/subscriptions/the-subscription-object>

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use table::Millis;

use crate::document::Typed;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// Of which store it is.
    pub store_id: u64,
    /// Whose it is.
    pub customer_id: u64,
    /// The order that it began with.
    pub order_id: u64,
    /// What is subscribed to.
    pub variant_id: u64,
    /// How it stands.
    pub status: SubscriptionStatus,
    /// The last digits of the card that it is paid with, if it is by card.
    pub card_last_four: Option<String>,
    /// When the period ends and the next payment is due; of one that is past due, when the next attempt is.
    #[serde(deserialize_with = "crate::moment::optional")]
    pub renews_at: Option<Millis>,
    /// When it ends, or has ended; only of one that is cancelled or expired.
    #[serde(deserialize_with = "crate::moment::optional")]
    pub ends_at: Option<Millis>,
    /// When it began.
    #[serde(deserialize_with = "crate::moment::deserialize")]
    pub created_at: Millis,
    /// When it last changed.
    #[serde(deserialize_with = "crate::moment::deserialize")]
    pub updated_at: Millis,
    /// Whether no real money is in it.
    #[serde(default)]
    pub test_mode: bool,
}

/// How a subscription stands, in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// Nothing is paid yet.
    OnTrial,
    /// It is paid.
    Active,
    /// A renewal could not be paid; it is tried again, for two weeks.
    PastDue,
    /// Nothing is collected until further notice.
    Paused,
    /// No attempt to collect a renewal has succeeded.
    Unpaid,
    /// It is paid, and ends with its period.
    Cancelled,
    /// It has ended.
    Expired,
}

impl SubscriptionStatus {
    /// The status as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnTrial => "on_trial",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Unpaid => "unpaid",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// When a change of what is subscribed to is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// At once, for what is left of the period.
    Now,
    /// With the next renewal: the difference for what is left of the period is set off against it.
    AtRenewal,
}

/// The document that changes these attributes of a subscription.
pub(crate) fn change(id: u64, attributes: &Json) -> Json {
    json!({"data": {"type": Subscription::TYPE, "id": id.to_string(), "attributes": attributes}})
}

impl Typed for Subscription {
    const TYPE: &'static str = "subscriptions";
}
