//! Subscription invoices. <https://docs.lemonsqueezy.com/api/subscription-invoices/the-subscription-invoice-object>

use serde::Deserialize;
use table::Millis;

use crate::document::Typed;

/// The invoice of one payment for a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Invoice {
    /// Of which store it is.
    pub store_id: u64,
    /// Of which subscription.
    pub subscription_id: u64,
    /// Why it was made.
    pub billing_reason: BillingReason,
    /// What it is counted in, as `USD`.
    pub currency: String,
    /// How it stands.
    pub status: InvoiceStatus,
    /// What is paid in all, in hundredths of the currency.
    pub total: i64,
    urls: Urls,
    /// When it was made.
    #[serde(deserialize_with = "crate::moment::deserialize")]
    pub created_at: Millis,
    /// When it last changed.
    #[serde(deserialize_with = "crate::moment::deserialize")]
    pub updated_at: Millis,
    /// Whether no real money is in it.
    #[serde(default)]
    pub test_mode: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Urls {
    invoice_url: Option<String>,
}

/// Why an invoice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingReason {
    /// The subscription began.
    Initial,
    /// Another period of it began.
    Renewal,
    /// It was changed within a period.
    Updated,
    /// Something that is not known here.
    #[serde(other)]
    Other,
}

/// How an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// It waits for its payment.
    Pending,
    /// It is paid.
    Paid,
    /// It was cancelled, or cannot be paid.
    Void,
    /// It was paid, and all of it has gone back.
    Refunded,
    /// It was paid, and some of it has gone back.
    PartialRefund,
    /// Something that is not known here.
    #[serde(other)]
    Other,
}

impl InvoiceStatus {
    /// The status as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Refunded => "refunded",
            Self::PartialRefund => "partial_refund",
            Self::Other => "other",
        }
    }
}

impl Invoice {
    /// Where it can be downloaded; none before it is paid.
    #[must_use]
    pub fn download_url(&self) -> Option<&str> {
        self.urls.invoice_url.as_deref()
    }
}

impl Typed for Invoice {
    const TYPE: &'static str = "subscription-invoices";
}
