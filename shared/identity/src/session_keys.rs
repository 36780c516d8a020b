//! The keys that sessions' tokens are signed with: one signs, and what it signs can be verified by everybody who has the public keys. Two of
//! those are good at once, so that a key can be replaced while tokens of the one before are about.
//!
//! Each API with tokens of its own has keys of its own, in a folder of its own: no function that signs for one can sign for another. Both keys stand
//! in parameters of SSM's: `signing-key`, which only the function that signs may read, and `public-keys`, a JSON Web Key Set (RFC
//! 8037), which every function of the API reads.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use table::{Millis, new_id, smallest_id_at};
use thiserror::Error;
use uuid::Uuid;

use crate::tokens::SESSION_LENGTH;

/// The parameter that holds the key that signs.
pub const SIGNING_KEY: &str = "signing-key";
/// The parameter that holds the public keys.
pub const PUBLIC_KEYS: &str = "public-keys";

/// How long a function may sign with a key that it has read, or verify with public keys that it has read, before it reads them again.
pub(crate) const KEY_TRUSTED: Duration = Duration::from_mins(5);
/// How old the public keys may be that a function judges a token by that names none of them. Who makes up names makes it read no oftener.
pub(crate) const UNKNOWN_KEY_TRUSTED: Duration = Duration::from_secs(10);
/// How long a public key must be published before its key signs: by then no function holds older ones against it.
pub const PUBLISHED_AHEAD: Duration = Duration::from_secs(15);
/// How old a key must be before it is replaced: by then no token of the one before it is good.
const YOUNGEST_REPLACED: Duration = SESSION_LENGTH.saturating_add(KEY_TRUSTED).saturating_add(KEY_TRUSTED);

/// A key that signs. It has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct SigningKey {
    /// Its name: a UUID that tells when it was made.
    pub(crate) kid: Uuid,
    pkcs8: String,
}

/// The public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicKeys {
    keys: Vec<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PublicKey {
    kty: String,
    crv: String,
    r#use: String,
    kid: Uuid,
    x: String,
}

/// What the parameters become. It has no `Debug`: one is a secret.
pub struct Rotation {
    /// `public-keys`, to be written first: whoever sees a token of the new key must find it there.
    pub public_keys: String,
    /// `signing-key`.
    pub signing_key: String,
    /// The new key's name.
    pub kid: Uuid,
}

/// Why keys are not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RotationError {
    /// Somebody would be logged out.
    #[error(
        "the key that signs is younger than {} minutes, so tokens of the one before it may still be good",
        YOUNGEST_REPLACED.as_secs() / 60
    )]
    TooSoon,
    /// A parameter does not hold what it should.
    #[error("a parameter holds no session keys")]
    Damaged,
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    Random,
}

/// Replaces the key that signs, where there is one, by a new one. What it has signed stays good, unless `all_out`.
pub fn rotate(
    signing_key: Option<&str>,
    public_keys: Option<&str>,
    all_out: bool,
    now: Millis,
) -> Result<Rotation, RotationError> {
    let read = |text: &str| SigningKey::read(text).ok_or(RotationError::Damaged);
    let current = signing_key.map(read).transpose()?.map(|key| key.kid);
    let published = public_keys.map(|text| PublicKeys::read(text).ok_or(RotationError::Damaged)).transpose()?;
    let youngest = smallest_id_at(Millis(now.0.saturating_sub(milliseconds(YOUNGEST_REPLACED))));
    if !all_out && current.is_some_and(|kid| kid >= youngest) {
        return Err(RotationError::TooSoon);
    }
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| RotationError::Random)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| RotationError::Random)?;
    let kid = new_id(now);
    // Of the old ones the one in use, and no other: a rotation that broke off has left one that signed nothing.
    let kept = published.unwrap_or_default().keys.into_iter().filter(|key| !all_out && Some(key.kid) == current);
    let keys = std::iter::once(PublicKey::new(kid, pair.public_key().as_ref())).chain(kept).collect();
    let signing = SigningKey { kid, pkcs8: BASE64.encode(pkcs8.as_ref()) };
    let text = |value: serde_json::Result<String>| value.map_err(|_| RotationError::Damaged);
    Ok(Rotation {
        public_keys: text(serde_json::to_string(&PublicKeys { keys }))?,
        signing_key: text(serde_json::to_string(&signing))?,
        kid,
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl SigningKey {
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn key(&self) -> Option<EncodingKey> {
        Some(EncodingKey::from_ed_der(&BASE64.decode(&self.pkcs8).ok()?))
    }
}

impl PublicKeys {
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The key of this name.
    pub(crate) fn find(&self, kid: &str) -> Option<DecodingKey> {
        let found = self.keys.iter().find(|key| key.kid.to_string() == kid)?;
        DecodingKey::from_ed_components(&found.x).ok()
    }
}

impl PublicKey {
    fn new(kid: Uuid, x: &[u8]) -> Self {
        Self { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), r#use: "sig".to_owned(), kid, x: BASE64.encode(x) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_705_314_600_000);

    fn names(rotation: &Rotation) -> Vec<Uuid> {
        PublicKeys::read(&rotation.public_keys).unwrap().keys.into_iter().map(|key| key.kid).collect()
    }

    #[test]
    fn the_key_in_use_stays_good_and_no_other() {
        let first = rotate(None, None, false, NOW).ok().unwrap();
        assert_eq!(names(&first), [first.kid]);
        let later = NOW.after(Duration::from_hours(24));
        let second = rotate(Some(&first.signing_key), Some(&first.public_keys), false, later).ok().unwrap();
        assert_eq!(names(&second), [second.kid, first.kid]);
        // It broke off before the new key signed: the old one is in use still.
        let again = rotate(Some(&first.signing_key), Some(&second.public_keys), false, later).ok().unwrap();
        assert_eq!(names(&again), [again.kid, first.kid]);
        let third =
            rotate(Some(&second.signing_key), Some(&second.public_keys), false, later.after(Duration::from_hours(24)));
        assert_eq!(names(&third.ok().unwrap())[1..], [second.kid]);
        let out = rotate(Some(&second.signing_key), Some(&second.public_keys), true, later).ok().unwrap();
        assert_eq!(names(&out), [out.kid]);
    }

    #[test]
    fn a_key_is_not_replaced_while_tokens_of_the_one_before_may_be_good() {
        let first = rotate(None, None, false, NOW).ok().unwrap();
        for (minutes, is_refused) in [(0, true), (69, true), (71, false)] {
            let now = NOW.after(Duration::from_mins(minutes));
            let told = rotate(Some(&first.signing_key), Some(&first.public_keys), false, now);
            assert_eq!(told.err(), is_refused.then_some(RotationError::TooSoon), "after {minutes} minutes");
        }
        assert_eq!(rotate(Some("{}"), None, false, NOW).err(), Some(RotationError::Damaged));
        assert_eq!(rotate(None, Some("?"), false, NOW).err(), Some(RotationError::Damaged));
    }
}
