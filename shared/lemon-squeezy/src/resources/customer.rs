//! Customers. <https://docs.lemonsqueezy.com/api/customers/the-customer-object>

use serde::Deserialize;

use crate::document::Typed;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Customer {
    urls: Urls,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Urls {
    customer_portal: Option<String>,
}

impl Customer {
    /// Where the customer manages what they pay; the address is good for a day. None if they have not bought a subscription.
    #[must_use]
    pub fn portal(self) -> Option<String> {
        self.urls.customer_portal
    }
}

impl Typed for Customer {
    const TYPE: &'static str = "customers";
}
