//! Service accounts, and what they sign: <https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests>.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use table::Millis;
use thiserror::Error;
use url::Url;

/// What is asked for: all of Drive, since `drive.file` does not know a folder that somebody else made and shared.
const SCOPE: &str = "https://www.googleapis.com/auth/drive";
/// How long an assertion holds, in seconds (Google's most).
const LIFETIME: u64 = 3_600;

/// A service account with its key. It has neither `Debug` nor `Serialize`, so that it cannot slip into a log or an answer.
pub struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    key: KeyPair,
    token_uri: Url,
}

/// What was given is not a service account's key file. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is no key of a Google service account: {0}")]
pub struct AccountError(&'static str);

/// The file that Google's console gives for a key.
#[derive(Deserialize)]
struct KeyFile {
    r#type: String,
    client_email: String,
    private_key_id: Option<String>,
    private_key: String,
    token_uri: String,
}

impl ServiceAccount {
    /// Reads a key file as Google gives it, or such a file in Base64, which is how it fits a parameter.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let text = text.trim();
        let read = if text.starts_with('{') {
            serde_json::from_str(text)
        } else {
            let decoded = STANDARD.decode(text).map_err(|_| AccountError("it is neither JSON nor Base64"))?;
            serde_json::from_slice(&decoded)
        };
        // The parser's own message may repeat what it read.
        let file: KeyFile = read.map_err(|_| AccountError("it lacks what a key file has"))?;
        if file.r#type != "service_account" {
            return Err(AccountError("its type is another"));
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.as_bytes());
        let der = der.map_err(|_| AccountError("its key is not in PEM"))?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| AccountError("its key is not RSA"))?;
        let token_uri = Url::parse(&file.token_uri).map_err(|_| AccountError("its token_uri is no address"))?;
        Ok(Self { email: file.client_email, key_id: file.private_key_id, key, token_uri })
    }

    /// Where tokens are asked for.
    pub(crate) const fn token_uri(&self) -> &Url {
        &self.token_uri
    }

    /// What is exchanged for an access token: a JWT, signed with RS256 (RFC 7523).
    pub(crate) fn assertion(&self, now: Millis) -> Result<String, AccountError> {
        let issued = now.epoch_seconds();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri.as_str(), "iat": issued, "exp": issued + LIFETIME,
        });
        let encoded = |part: String| URL_SAFE_NO_PAD.encode(part);
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| AccountError("its key does not sign"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use google_drive_stand_in::key_file;
    use serde_json::Value as Json;

    use super::*;

    fn refusal(text: &str) -> &'static str {
        match ServiceAccount::parse(text) {
            Ok(_) => panic!("it was taken"),
            Err(AccountError(why)) => why,
        }
    }

    #[test]
    fn a_key_file_is_read_as_it_is_and_in_base64() {
        let file = key_file("http://127.0.0.1:1/token").to_string();
        for text in [file.clone(), format!(" {file}\n"), STANDARD.encode(&file)] {
            let account = ServiceAccount::parse(&text).unwrap();
            assert_eq!(account.token_uri().as_str(), "http://127.0.0.1:1/token");
            assert!(account.email.ends_with(".iam.gserviceaccount.com"));
        }
    }

    #[test]
    fn what_is_no_key_file_is_refused_without_repeating_it() {
        let file = |name: &str, value: &str| {
            let mut file = key_file("http://127.0.0.1:1/token");
            file[name] = value.into();
            refusal(&file.to_string())
        };
        assert_eq!(refusal("no key file!"), "it is neither JSON nor Base64");
        assert_eq!(refusal("{}"), "it lacks what a key file has");
        assert_eq!(refusal(&STANDARD.encode("[]")), "it lacks what a key file has");
        assert_eq!(file("type", "authorized_user"), "its type is another");
        assert_eq!(file("private_key", "secret"), "its key is not in PEM");
        assert_eq!(
            file("private_key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"),
            "its key is not RSA"
        );
        assert_eq!(file("token_uri", "nowhere"), "its token_uri is no address");
    }

    #[test]
    fn an_assertion_says_who_asks_for_what_and_for_how_long() {
        let account = ServiceAccount::parse(&key_file("https://oauth2.googleapis.com/token").to_string()).unwrap();
        let assertion = account.assertion(Millis(1_700_000_000_999)).unwrap();
        let parts: Vec<_> = assertion.split('.').collect();
        let part = |at: usize| -> Json { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap() };
        assert_eq!(parts.len(), 3);
        assert_eq!(part(0), json!({"alg": "RS256", "typ": "JWT", "kid": account.key_id}));
        assert_eq!(
            part(1),
            json!({
                "iss": account.email, "scope": SCOPE, "aud": "https://oauth2.googleapis.com/token",
                "iat": 1_700_000_000, "exp": 1_700_003_600,
            })
        );
    }
}
