//! Secrets at rest: sealed with AES-256-GCM under a data key that KMS made, and bound to the item they belong to.
//!
//! A sealed secret is text: base64 of a version byte, the length of the encrypted data key (two bytes), that key, a nonce of twelve bytes,
//! and the ciphertext with its tag. So it carries all that is needed to open it but the right to ask KMS.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kms::Client;
use aws_sdk_kms::error::DisplayErrorContext;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use futures::future::try_join_all;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

/// The first byte of a sealed secret.
const VERSION: u8 = 1;
/// How many secrets one data key seals, far below where random nonces could meet.
const SEALS_PER_KEY: u32 = 1_000_000;
/// How many opened data keys a warm function remembers.
const REMEMBERED: usize = 256;

/// Why a secret could not be sealed or opened.
#[derive(Debug, Error)]
pub enum SealError {
    /// KMS did not answer, or refused.
    #[error("KMS failed: {0}")]
    Kms(String),
    /// The sealed text is damaged, or belongs to another item.
    #[error("the sealed secret cannot be opened")]
    Damaged,
    /// The system has no randomness to give.
    #[error("no randomness")]
    Random,
}

/// Seals and opens secrets. One per process: it keeps data keys.
#[derive(Clone)]
pub struct Sealer {
    kms: Client,
    key_id: String,
    keys: Arc<Mutex<Keys>>,
}

#[derive(Default)]
struct Keys {
    /// The key that seals, with its encrypted form and how often it may still be used.
    sealing: Option<(Arc<LessSafeKey>, Vec<u8>, u32)>,
    /// Keys by their encrypted form.
    opened: HashMap<Vec<u8>, Arc<LessSafeKey>>,
}

impl Sealer {
    /// Seals under the KMS key `key_id`.
    #[must_use]
    pub fn new(kms: Client, key_id: String) -> Self {
        Self { kms, key_id, keys: Arc::default() }
    }

    /// Seals a secret of the item `owner`: nothing else opens it. Asks KMS once in a million times, and when a function is new.
    pub async fn seal(&self, owner: &str, secret: &[u8]) -> Result<String, SealError> {
        let (key, encrypted) = self.sealing_key().await?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::Random)?;
        let mut sealed = secret.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner.as_bytes()), &mut sealed)
            .map_err(|_| SealError::Damaged)?;
        let length = u16::try_from(encrypted.len()).map_err(|_| SealError::Damaged)?.to_be_bytes();
        Ok(BASE64.encode([&[VERSION], &length[..], &encrypted, &nonce, &sealed].concat()))
    }

    /// Opens a secret of the item `owner`.
    pub async fn open(&self, owner: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = BASE64.decode(sealed).map_err(|_| SealError::Damaged)?;
        let (encrypted, nonce, ciphertext) = split(&bytes).ok_or(SealError::Damaged)?;
        let key = self.opening_key(encrypted).await?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Damaged)?;
        let mut secret = ciphertext.to_vec();
        let length =
            key.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut secret).map_err(|_| SealError::Damaged)?.len();
        secret.truncate(length);
        Ok(secret)
    }

    /// Gets to know the data keys of these secrets, all at once, so that opening them asks KMS no more: it is asked once for each key that is
    /// not remembered, and what was sealed together shares one. At most 256 secrets.
    pub async fn learn<'sealed>(&self, sealed: impl IntoIterator<Item = &'sealed str>) -> Result<(), SealError> {
        let secrets: Vec<_> = sealed.into_iter().filter_map(|text| BASE64.decode(text).ok()).collect();
        let keys: BTreeSet<_> = secrets.iter().filter_map(|bytes| split(bytes)).map(|(key, _, _)| key).collect();
        try_join_all(keys.into_iter().map(|key| self.opening_key(key))).await?;
        Ok(())
    }

    async fn sealing_key(&self) -> Result<(Arc<LessSafeKey>, Vec<u8>), SealError> {
        if let Some((key, encrypted, left)) = &mut self.keys().sealing
            && *left > 0
        {
            *left -= 1;
            return Ok((Arc::clone(key), encrypted.clone()));
        }
        let request = self.kms.generate_data_key().key_id(&self.key_id).key_spec(DataKeySpec::Aes256);
        let answer = request.send().await.map_err(|error| SealError::Kms(DisplayErrorContext(error).to_string()))?;
        let (Some(plain), Some(encrypted)) = (answer.plaintext, answer.ciphertext_blob) else {
            return Err(SealError::Kms("it gave no data key".to_owned()));
        };
        let (key, encrypted) = (key_of(plain.as_ref())?, encrypted.into_inner());
        let mut keys = self.keys();
        keys.sealing = Some((Arc::clone(&key), encrypted.clone(), SEALS_PER_KEY));
        keys.remember(encrypted.clone(), &key);
        Ok((key, encrypted))
    }

    async fn opening_key(&self, encrypted: &[u8]) -> Result<Arc<LessSafeKey>, SealError> {
        if let Some(key) = self.keys().opened.get(encrypted) {
            return Ok(Arc::clone(key));
        }
        let request = self.kms.decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(encrypted));
        let answer = request.send().await.map_err(|error| SealError::Kms(DisplayErrorContext(error).to_string()))?;
        let plain = answer.plaintext.ok_or_else(|| SealError::Kms("it gave no data key".to_owned()))?;
        let key = key_of(plain.as_ref())?;
        self.keys().remember(encrypted.to_vec(), &key);
        Ok(key)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn remember(&mut self, encrypted: Vec<u8>, key: &Arc<LessSafeKey>) {
        if self.opened.len() >= REMEMBERED {
            self.opened.clear();
        }
        self.opened.insert(encrypted, Arc::clone(key));
    }
}

fn key_of(plain: &[u8]) -> Result<Arc<LessSafeKey>, SealError> {
    let key = UnboundKey::new(&AES_256_GCM, plain).map_err(|_| SealError::Kms("its data key is not one".to_owned()))?;
    Ok(Arc::new(LessSafeKey::new(key)))
}

/// The encrypted data key, the nonce and the ciphertext of a sealed secret.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (encrypted, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN)?;
    Some((encrypted, nonce, ciphertext))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_or_of_another_version_is_damaged() {
        for bytes in [&[][..], &[2, 0, 0], &[1], &[1, 0], &[1, 0, 9, 1, 2], &[1, 0, 1, 7, 1, 2, 3]] {
            assert_eq!(split(bytes), None, "{bytes:?}");
        }
        let bytes = [&[1, 0, 2, 8, 9][..], &[5; NONCE_LEN], &[7; 20]].concat();
        assert_eq!(split(&bytes), Some((&[8, 9][..], &[5; NONCE_LEN][..], &[7; 20][..])));
    }
}
