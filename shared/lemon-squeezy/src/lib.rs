//! Knows how Lemon Squeezy is talked to, the merchant of record that takes our customers' money: its JSON:API, and the webhooks that it signs.
//! Knows nothing of our plans, nor of what a payment is good for.
//!
//! <https://docs.lemonsqueezy.com/api>, <https://docs.lemonsqueezy.com/help/webhooks>

mod client;
mod document;
mod fault;
mod moment;
mod resources;
pub mod webhook;

pub use client::{LemonSqueezy, Store};
pub use document::Resource;
pub use fault::Fault;
pub use resources::{
    BillingReason, Charge, Checkout, Customer, Invoice, InvoiceStatus, NewCheckout, Order, Subscription,
    SubscriptionStatus,
};
