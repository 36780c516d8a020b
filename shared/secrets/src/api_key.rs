//! API keys: a prefix that says what the key is for, then 256 random bits in hex.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};

/// How many characters of the random part a preview shows.
const PREVIEW: usize = 8;

/// An API key in clear. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or a listing.
pub struct ApiKey(String);

impl ApiKey {
    /// A new key: `prefix` (such as `sk_live_`) and 64 hex digits.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(prefix: &str) -> Result<Self, Unspecified> {
        let mut bits = [0_u8; 32];
        SystemRandom::new().fill(&mut bits)?;
        Ok(Self(format!("{prefix}{}", hex(&bits))))
    }

    /// A key as a caller presented it.
    #[must_use]
    pub fn presented(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// What is stored and looked up in place of the key.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash(fingerprint(&self.0))
    }

    /// What listings show: the prefix, the first digits, and dots, as `sk_live_12345678...`.
    #[must_use]
    pub fn preview(&self) -> String {
        let random_part = self.0.rfind('_').map_or(0, |at| at + 1);
        let shown = self.0.char_indices().nth(random_part + PREVIEW).map_or(self.0.len(), |(at, _)| at);
        format!("{}...", &self.0[..shown])
    }

    /// The key itself, to be shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of an API key, in hex. With 256 random bits behind it, neither salt nor a slow hash adds anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(String);

impl KeyHash {
    /// 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a text, in hex: what is stored of what somebody will present.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_prefix_and_256_bits() {
        let key = ApiKey::generate("sk_live_").unwrap();
        let digits = key.reveal().strip_prefix("sk_live_").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(key.reveal() != ApiKey::generate("sk_live_").unwrap().reveal());
    }

    #[test]
    fn the_hash_is_sha256_of_the_whole_key() {
        let hash = ApiKey::presented("abc").hash();
        assert_eq!(hash.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_preview_shows_eight_digits_of_the_random_part() {
        assert_eq!(ApiKey::presented("sk_prod_1234567890abcdef").preview(), "sk_prod_12345678...");
        assert_eq!(ApiKey::presented("short").preview(), "short...");
    }
}
