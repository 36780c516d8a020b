//! Knows how secrets are made and kept: API keys are 256 random bits, shown once and stored as a SHA-256 hash.
//! Knows nothing of who owns a key or what it opens.

mod api_key;

pub use api_key::{ApiKey, KeyHash};
