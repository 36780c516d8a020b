//! Checkouts: the pages at which customers pay. <https://docs.lemonsqueezy.com/api/checkouts/create-checkout>

use serde::Deserialize;
use serde_json::{Value as Json, json};
use table::Millis;

use crate::client::Store;
use crate::document::Typed;

/// A checkout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Checkout {
    /// Where its customer pays.
    pub url: String,
}

impl Typed for Checkout {
    const TYPE: &'static str = "checkouts";
}

/// A checkout that is to be made.
#[derive(Clone, Debug)]
pub struct NewCheckout<'new> {
    /// What is sold.
    pub variant: u64,
    /// What the customer's address is taken to be; they may change it.
    pub email: Option<&'new str>,
    /// What the customer is taken to be called; they may change it.
    pub name: Option<&'new str>,
    /// Where the customer goes from there once they have paid.
    pub redirect_url: &'new str,
    /// What the webhooks of all that comes of it carry: names and texts.
    pub custom: &'new [(&'new str, &'new str)],
    /// Until when it can be paid.
    pub expires_at: Millis,
}

impl NewCheckout<'_> {
    /// The document that makes it.
    pub(crate) fn document(&self, store: &Store) -> Json {
        let custom: serde_json::Map<_, _> =
            self.custom.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut data = json!({"custom": custom});
        if let Some(email) = self.email {
            data["email"] = json!(email);
        }
        if let Some(name) = self.name {
            data["name"] = json!(name);
        }
        json!({
            "data": {
                "type": Checkout::TYPE,
                "attributes": {
                    "product_options": {
                        "redirect_url": self.redirect_url,
                        // The product's other variants are other plans, which were not asked for.
                        "enabled_variants": [self.variant],
                    },
                    "checkout_options": {"skip_trial": true},
                    "checkout_data": data,
                    "expires_at": self.expires_at.to_string(),
                    "test_mode": store.test_mode,
                },
                "relationships": {
                    "store": {"data": {"type": "stores", "id": store.id.to_string()}},
                    "variant": {"data": {"type": "variants", "id": self.variant.to_string()}},
                },
            },
        })
    }
}
