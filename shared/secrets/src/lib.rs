//! Knows how secrets are made and kept: API keys are 256 random bits, shown once and stored as a SHA-256 hash; passwords are
//! stored as Argon2id hashes; what must be shown again is sealed under a key that KMS guards. Knows nothing of whose a secret is or what it opens.

mod api_key;
mod password;
mod sealing;

pub use api_key::{ApiKey, KeyHash, fingerprint};
pub use password::{Password, PasswordError, PasswordHash, Passwords};
pub use sealing::{SealError, Sealer};
