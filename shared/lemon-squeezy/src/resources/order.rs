//! Orders: what a checkout was paid with. <https://docs.lemonsqueezy.com/api/orders/the-order-object>

use serde::Deserialize;

use crate::document::Typed;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Order {
    /// Of which store it is.
    pub store_id: u64,
    /// `refunded` when all of it has gone back, `partial_refund` when some of it has.
    status: String,
    /// Whether no real money is in it.
    #[serde(default)]
    pub test_mode: bool,
}

impl Order {
    /// Whether all of it has gone back.
    #[must_use]
    pub fn is_refunded(&self) -> bool {
        self.status == "refunded"
    }
}

impl Typed for Order {
    const TYPE: &'static str = "orders";
}
