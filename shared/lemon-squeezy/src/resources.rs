//! The resources, with those of their attributes that matter here.

mod checkout;
mod customer;
mod invoice;
mod order;
mod subscription;

pub use checkout::{Checkout, NewCheckout};
pub use customer::Customer;
pub use invoice::{BillingReason, Invoice, InvoiceStatus};
pub use order::Order;
pub(crate) use subscription::change as subscription_change;
pub use subscription::{Charge, Subscription, SubscriptionStatus};
