//! Knows the subscriptions to the extraction cloud's plans: what Lemon Squeezy's events say of them, each recorded once and in any order, and what
//! they make of a user's account. Knows nothing of HTTP, nor of how Lemon Squeezy is asked.
//!
//! In the table `extract` (its other patterns: `extract`), keys and access patterns:
//!
//! | pattern | key condition |
//! |---|---|
//! | all that is known of a user's subscriptions | `pk = USER#user` and `sk = BILLING` |
//! | an event of them that was recorded; kept for 400 days | `pk = USER#user` and `sk = EVENT#hash of its body` |
//! | the checkout that a user began last | `pk = USER#user` and `sk = CHECKOUT` |
//! | whose a checkout is; kept for 90 days, and for ever once it was paid | `pk = CHECKOUT#reference` and `sk = OWNER` |

mod billing;
mod checkouts;
mod events;
mod offers;
mod records;
mod standing;

pub use billing::{Billing, Payment, State, Subscription};
pub use checkouts::{Begun, CHECKOUT, Checkout, CheckoutRequest};
pub use events::{Fact, Recorded};
pub use offers::{Offer, Offers};
pub use records::Subscriptions;
