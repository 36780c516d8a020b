//! Knows the credential queue's records: platforms, their credentials, who holds which, how healthy they are, and what was done to them.
//! Knows nothing of HTTP, nor of who may ask.
//!
//! The table `credentials`, keys and access patterns:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a credential | `pk = CRED#id` and `sk = CRED` | – |
//! | a platform's settings | `pk = PLATFORMS` and `sk = name` | – |
//! | all platforms' settings | `pk = PLATFORMS` | – |
//! | how many credentials a platform has | `pk = COUNT` and `sk = platform` | – |
//! | the last id given | `pk = COUNT` and `sk = #id` | – |
//! | the ids of an import that may be sent again | `pk = IMPORT#id` and `sk = IMPORT` | – |
//! | credentials to be claimed, freest first | `pool = platform` and `claimable_at <= now` | `claimable` (sparse) |
//! | credentials in use or cooling down | `pool = platform` and `claimable_at > now` | `claimable` (sparse) |
//! | failed or disabled credentials, the earliest first | `parked = platform`, ordered by `parked_at` | `parked` (sparse) |
//!
//! A claim writes the item and one index entry. The audit trail is written from the table's stream (`audit`), off the hot path.

mod admin;
pub mod audit;
mod credential;
pub mod fields;
mod guess;
mod health;
mod import;
mod platform;
mod queue;
mod store;
mod view;

pub use admin::{AdminError, Edit, Listing, NewCredential, Statistics};
pub use credential::{Credential, Secret, SecretShape, Status};
pub use health::Verdict;
pub use import::{Import, ImportError, ImportForm, Imported, LineFault, MOST_LINES};
pub use platform::{LONGEST_PLATFORM, Order, Platform, PoolPolicy};
pub use queue::{ClaimError, Grant, Report, ReportError, Reported};
pub use store::Credentials;
pub use view::CredentialView;

pub use lease::Holder;
