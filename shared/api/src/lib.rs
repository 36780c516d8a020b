//! Knows what every HTTP function shares: the Lambda entry, request ids, access logs, API keys and users, rate limits, and the manners
//! of each contract (its error body, its JSON). Knows nothing of any one endpoint.

mod bare;
mod body;
pub mod document;
pub mod extract_cloud;
mod observe;
mod path;
pub mod portal;
mod presented;
pub mod query;
mod rate_limit;
pub mod scraper_credentials;
mod serve;
mod source;
mod token_bucket;
pub mod video;
pub mod worker;

pub use bare::dress as bare_errors;
pub use identity;
pub use observe::{OthersFault, observe};
pub use rate_limit::{Decision, RateLimit, RateLimiter};
pub use serve::{serve, serve_as};
pub use source::source_address;
pub use token_bucket::{Bucket, Taken, Tokens};
