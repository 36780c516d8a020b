//! The service account that is known here, and the tokens it gets for what it signs (RFC 7523).

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value as Json, json};
use table::{Clock, Millis};
use uuid::Uuid;

/// A key of 2,048 bits, made for these tests.
const KEY: &str = include_str!("service-account.rsa");
const EMAIL: &str = "drover-tests@stand-in.iam.gserviceaccount.com";
const KEY_ID: &str = "5e1f0a8c2b7d4936a0c4e8f2d6b91735";
const SCOPE: &str = "https://www.googleapis.com/auth/drive";
/// How long a token lasts, in seconds.
const LIFETIME: u64 = 3_599;
/// How far clocks may be apart, in seconds.
const SKEW: u64 = 10;

/// The key file of the service account that a stand-in knows, as Google's console would give it.
#[must_use]
pub fn key_file(token_uri: &str) -> Json {
    json!({
        "type": "service_account",
        "project_id": "stand-in",
        "private_key_id": KEY_ID,
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", KEY),
        "client_email": EMAIL,
        "client_id": "103216549870123456789",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    })
}

/// Who may come in.
pub(crate) struct Account {
    token_uri: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    /// Until when each token lasts.
    tokens: HashMap<String, Millis>,
}

impl Account {
    pub(crate) fn new(token_uri: String) -> anyhow::Result<Self> {
        let der = STANDARD.decode(KEY.split_whitespace().collect::<String>())?;
        let key = KeyPair::from_pkcs8(&der).map_err(|error| anyhow::anyhow!("the RSA key: {error}"))?;
        let public: RsaPublicKeyComponents<Vec<u8>> = key.public().into();
        Ok(Self { token_uri, modulus: public.n, exponent: public.e, tokens: HashMap::new() })
    }

    /// Whether a request's bearer token is one that holds.
    pub(crate) fn knows(&self, authorization: Option<&str>) -> bool {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let ends_at = token.and_then(|token| self.tokens.get(token));
        ends_at.is_some_and(|ends_at| Clock::system().now() < *ends_at)
    }

    /// Ends all tokens.
    pub(crate) fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// The answer to a request for a token: its status and body.
    pub(crate) fn exchange(&mut self, form: &[u8]) -> (u16, Json) {
        let form: HashMap<_, _> = url::form_urlencoded::parse(form).into_owned().collect();
        let said = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if said("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return (400, json!({"error": "unsupported_grant_type", "error_description": "Invalid grant_type."}));
        }
        let now = Clock::system().now();
        if let Err(why) = self.verify(said("assertion"), now) {
            return (400, json!({"error": "invalid_grant", "error_description": format!("{why:#}")}));
        }
        (200, json!({"access_token": self.issue(now), "expires_in": LIFETIME, "token_type": "Bearer"}))
    }

    /// A new token.
    pub(crate) fn issue(&mut self, now: Millis) -> String {
        let token = format!("ya29.c.{}", Uuid::new_v4().simple());
        self.tokens.insert(token.clone(), now.after(Duration::from_secs(LIFETIME)));
        token
    }

    /// Whether an assertion is signed by the account, for this token endpoint, for Drive, now, and for an hour at most.
    fn verify(&self, assertion: &str, now: Millis) -> anyhow::Result<()> {
        let (message, signature) = assertion.rsplit_once('.').context("no JWT")?;
        let (header, claims) = message.split_once('.').context("no JWT")?;
        let header: Json = serde_json::from_slice(&BASE64.decode(header)?)?;
        anyhow::ensure!(header["alg"] == "RS256" && header["typ"] == "JWT", "another algorithm");
        anyhow::ensure!(header["kid"] == KEY_ID, "another key");
        let public = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        let verified = public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &BASE64.decode(signature)?);
        verified.map_err(|_| anyhow::anyhow!("Invalid JWT Signature."))?;
        let claims: Json = serde_json::from_slice(&BASE64.decode(claims)?)?;
        anyhow::ensure!(claims["iss"] == EMAIL, "Invalid issuer.");
        anyhow::ensure!(claims["aud"] == self.token_uri.as_str(), "Invalid audience.");
        anyhow::ensure!(claims["scope"] == SCOPE, "Invalid scope.");
        let (issued, ends) = (claims["iat"].as_u64().context("no iat")?, claims["exp"].as_u64().context("no exp")?);
        let now = now.epoch_seconds();
        anyhow::ensure!(
            issued <= now + SKEW && now <= ends + SKEW && ends <= issued + 3_600,
            "Token must be a short-lived token."
        );
        Ok(())
    }
}
