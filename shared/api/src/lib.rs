//! Knows what every HTTP function shares: the Lambda entry, request ids, access logs, API keys and users, rate limits, and the manners
//! of each contract (its error body, its JSON). Knows nothing of any one endpoint.

pub mod extract_cloud;
pub mod identity;
mod observe;
mod rate_limit;
pub mod scraper_credentials;
mod serve;
mod source;

pub use observe::observe;
pub use rate_limit::{Decision, RateLimit, RateLimiter};
pub use serve::serve;
pub use source::source_address;
