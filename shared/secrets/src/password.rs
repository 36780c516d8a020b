//! Passwords: kept as Argon2id hashes, by the parameters that OWASP recommends (Password Storage Cheat Sheet).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::Error as HashError;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use tokio::task::spawn_blocking;

/// How much memory a hash takes, in KiB: the second of the five choices that OWASP calls equally strong.
const MEMORY_KIB: u32 = 19 * 1_024;
/// How often that memory is gone over.
const PASSES: u32 = 2;
/// How many threads a hash takes.
const LANES: u32 = 1;
/// The lengths of a salt and of a hash, in bytes.
const SALT: usize = 16;
const HASH: usize = 32;

/// Why a password could not be hashed or verified.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// The system has no randomness to give.
    #[error("no randomness")]
    Random,
    /// What is stored is no hash of a password.
    #[error("the stored hash cannot be read: {0}")]
    Damaged(HashError),
    /// There was not the memory or the thread for it.
    #[error("a password could not be hashed: {0}")]
    Unhashed(String),
}

/// A password in clear. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or a listing, and what is wrong with one is told
/// without it.
#[derive(Clone)]
pub struct Password(Arc<str>);

impl Password {
    /// A password as somebody gave it.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The password itself, for where it opens something.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of another type, serde's own message would repeat the value.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::given(&text)),
            _ => Err(serde::de::Error::custom("must be a text")),
        }
    }
}

/// The hash of a password, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`. It has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string, to be stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hashes and verifies passwords. One per process.
#[derive(Clone)]
pub struct Passwords {
    /// What is verified against where there is nobody: a hash that no password has.
    nobodys: PasswordHash,
    verified: Arc<AtomicU64>,
}

impl Passwords {
    /// By the parameters above.
    pub fn new() -> Result<Self, PasswordError> {
        let (salt, hash) = (random::<SALT>()?, random::<HASH>()?);
        let nobodys = format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
            BASE64.encode(salt),
            BASE64.encode(hash)
        );
        Ok(Self { nobodys: PasswordHash(nobodys), verified: Arc::default() })
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordError> {
        let (password, salt) = (password.clone(), random::<SALT>()?);
        let hash = move || hasher()?.hash_password_with_salt(password.reveal().as_bytes(), &salt).map_err(unhashed);
        let hash = spawn_blocking(hash).await.map_err(unhashed)??;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Whether this is the password of that hash. Where there is no hash it is not, and that takes as long to find: one hash is made in either case.
    pub async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<bool, PasswordError> {
        let (password, exists) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or(&self.nobodys).clone();
        self.verified.fetch_add(1, Ordering::Relaxed);
        let verify = move || match hasher()?.verify_password(password.reveal().as_bytes(), hash.0.as_str()) {
            Ok(()) => Ok(true),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(PasswordError::Damaged(error)),
        };
        Ok(spawn_blocking(verify).await.map_err(unhashed)?? && exists)
    }

    /// How many times it has verified: what a login takes its time for.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).map_err(unhashed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], PasswordError> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| PasswordError::Random)?;
    Ok(bytes)
}

fn unhashed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Unhashed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let passwords = Passwords::new().unwrap();
        let (right, wrong) = (Password::given("correct horse battery staple"), Password::given("Correct horse"));
        let (hash, again) = (passwords.hash(&right).await.unwrap(), passwords.hash(&right).await.unwrap());
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(hash.0 != again.0, "two hashes have one salt");
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&wrong, Some(&hash)).await.unwrap());
        assert!(passwords.verify(&right, Some(&PasswordHash("$argon2id$".to_owned()))).await.is_err());
    }

    #[tokio::test]
    async fn where_there_is_nobody_no_password_is_right_and_as_much_is_hashed() {
        let passwords = Passwords::new().unwrap();
        for guess in ["", "admin", "correct horse battery staple"] {
            assert!(!passwords.verify(&Password::given(guess), None).await.unwrap(), "{guess}");
        }
        assert_eq!(passwords.verifications(), 3);
        let costs = |hash: &PasswordHash| hash.0.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let somebodys = passwords.hash(&Password::given("x")).await.unwrap();
        assert_eq!(costs(&passwords.nobodys), costs(&somebodys));
        assert_eq!(passwords.nobodys.0.len(), somebodys.0.len());
    }
}
