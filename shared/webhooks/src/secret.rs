//! Secrets, and what is signed with them: the scheme of <https://www.standardwebhooks.com>, by its own crate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use standardwebhooks::Webhook;
use table::Millis;

/// How many random bytes a secret has; the scheme wants 24 to 64.
const LENGTH: usize = 32;

/// A secret in clear: `whsec_` and base64. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or a listing.
pub struct WebhookSecret(String);

/// What signs one attempt.
pub struct Signature {
    /// The `webhook-timestamp`: the moment of the attempt, in seconds since the epoch.
    pub timestamp: u64,
    /// The `webhook-signature`: one for each secret, with spaces between.
    pub text: String,
}

impl WebhookSecret {
    /// A new secret; none if the system has no randomness to give.
    pub(crate) fn generate() -> Option<Self> {
        let mut bits = [0_u8; LENGTH];
        SystemRandom::new().fill(&mut bits).ok()?;
        Some(Self(format!("whsec_{}", BASE64.encode(bits))))
    }

    /// A secret as it was sealed; none if it is not one.
    #[must_use]
    pub fn unsealed(bytes: Vec<u8>) -> Option<Self> {
        String::from_utf8(bytes).ok().filter(|text| text.starts_with("whsec_")).map(Self)
    }

    /// The secret itself, to be shown to its owner once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Signature {
    /// Signs the message `id` with every secret; none if one of them cannot sign.
    #[must_use]
    pub fn of(secrets: &[WebhookSecret], id: &str, now: Millis, body: &str) -> Option<Self> {
        let timestamp = now.epoch_seconds();
        let signed_at = i64::try_from(timestamp).ok()?;
        let sign = |secret: &WebhookSecret| Webhook::new(&secret.0).ok()?.sign(id, signed_at, body.as_bytes()).ok();
        let signatures: Vec<_> = secrets.iter().map(sign).collect::<Option<_>>()?;
        (!signatures.is_empty()).then(|| Self { timestamp, text: signatures.join(" ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheme's own example: <https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries>.
    #[test]
    fn the_schemes_own_vector_is_signed_as_it_says() {
        let secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let now = Millis(1_614_265_330_999);
        let signature = Signature::of(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", now, "{\"test\": 2432232314}");
        let signature = signature.unwrap();
        assert_eq!(signature.timestamp, 1_614_265_330);
        assert_eq!(signature.text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_secret_signs() {
        let secrets = [WebhookSecret::generate().unwrap(), WebhookSecret::generate().unwrap()];
        let both = Signature::of(&secrets, "msg_1", Millis(1_000), "{}").unwrap().text;
        let each = secrets.map(|secret| Signature::of(&[secret], "msg_1", Millis(1_000), "{}").unwrap().text);
        assert_eq!(both, each.join(" "));
        assert_ne!(each[0], each[1]);
        assert!(Signature::of(&[], "msg_1", Millis(1_000), "{}").is_none());
    }

    #[test]
    fn a_secret_is_256_bits_and_nothing_else_is_unsealed_as_one() {
        let secret = WebhookSecret::generate().unwrap();
        let text = secret.reveal().strip_prefix("whsec_").unwrap();
        assert_eq!(BASE64.decode(text).unwrap().len(), LENGTH);
        assert!(WebhookSecret::unsealed(secret.reveal().as_bytes().to_vec()).is_some());
        assert!(WebhookSecret::unsealed(b"something".to_vec()).is_none());
        assert!(WebhookSecret::unsealed(vec![0xff]).is_none());
    }
}
