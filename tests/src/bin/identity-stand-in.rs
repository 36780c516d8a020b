//! An identity provider, as far as Drover knows one, which lies at will: see `drover_tests::sign_in`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json as Answer, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use clap::Parser;
use drover_tests::sign_in::{Algorithm, CLIENT_ID, CLIENT_SECRET, Lie, REDIRECT_URL, Visitor};
use futures::stream;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use ring::{digest, hmac};
use serde_json::{Value as Json, json};
use table::Clock;
use uuid::Uuid;

/// A key of 2,048 bits, made for these tests: to make one takes a debug build longer than a test should wait.
const RSA_KEY: &str = include_str!("identity-stand-in.rsa");
/// How large a huge answer is, in bytes.
const HUGE: usize = 4 * 1024 * 1024;
/// Longer than Drover waits.
const TOO_LONG: Duration = Duration::from_secs(12);

#[derive(Parser)]
struct Cli {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
}

struct StandIn {
    issuer: String,
    rsa: RsaKeyPair,
    /// By their names; the first two are there from the beginning.
    elliptic: Mutex<Vec<(String, Arc<EcdsaKeyPair>)>>,
    /// What was given a code for; taken when the code is redeemed.
    codes: Mutex<HashMap<String, Granted>>,
    random: SystemRandom,
}

struct Granted {
    nonce: String,
    challenge: String,
    visitor: Visitor,
}

type Parameters = HashMap<String, String>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let stand_in = Arc::new(StandIn::new(format!("http://{}", cli.listen))?);
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .with_state(stand_in);
    let listener =
        tokio::net::TcpListener::bind(cli.listen).await.with_context(|| format!("{} is taken", cli.listen))?;
    axum::serve(listener, routes).await?;
    Ok(())
}

impl StandIn {
    fn new(issuer: String) -> anyhow::Result<Self> {
        let der = STANDARD.decode(RSA_KEY.split_whitespace().collect::<String>())?;
        let rsa = RsaKeyPair::from_pkcs8(&der).map_err(|error| anyhow::anyhow!("the RSA key: {error}"))?;
        let new =
            Self { issuer, rsa, elliptic: Mutex::default(), codes: Mutex::default(), random: SystemRandom::new() };
        new.publish(new.elliptic_key()?);
        new.publish(new.elliptic_key()?);
        Ok(new)
    }

    fn elliptic_key(&self) -> anyhow::Result<EcdsaKeyPair> {
        let failed = |_| anyhow::anyhow!("no key was made");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.random).map_err(failed)?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &self.random)
            .map_err(|error| anyhow::anyhow!("no key was made: {error}"))
    }

    /// Publishes a key, and gives its name.
    fn publish(&self, key: EcdsaKeyPair) -> String {
        let name = Uuid::new_v4().to_string();
        self.elliptic().push((name.clone(), Arc::new(key)));
        name
    }

    fn elliptic(&self) -> MutexGuard<'_, Vec<(String, Arc<EcdsaKeyPair>)>> {
        self.elliptic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, Granted>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A published key.
    fn published(&self, at: usize) -> anyhow::Result<(String, Arc<EcdsaKeyPair>)> {
        self.elliptic().get(at).cloned().context("no such key")
    }

    fn rsa_modulus(&self) -> Vec<u8> {
        let parts: ring::rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        parts.n
    }
}

/// OpenID Connect Discovery 1.0, 4.
async fn discovery(State(stand_in): State<Arc<StandIn>>) -> Answer<Json> {
    let issuer = &stand_in.issuer;
    Answer(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "scopes_supported": ["openid", "email", "profile"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

/// RFC 7517.
async fn keys(State(stand_in): State<Arc<StandIn>>) -> Answer<Json> {
    let mut keys = vec![json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "n": BASE64.encode(stand_in.rsa_modulus()), "e": "AQAB",
    })];
    for (name, key) in stand_in.elliptic().iter() {
        // An uncompressed point: a byte that says so, then x and y.
        let point = key.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        keys.push(json!({"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": name, "x": x, "y": y}));
    }
    Answer(json!({"keys": keys}))
}

/// Signs the visitor in without asking, and sends them back with a code. A request that the standard does not know is refused.
async fn authorize(State(stand_in): State<Arc<StandIn>>, Query(given): Query<Parameters>) -> Response {
    let said = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let visitor = serde_json::from_str(said("visitor"));
    let is_right = said("client_id") == CLIENT_ID
        && said("redirect_uri") == REDIRECT_URL
        && said("response_type") == "code"
        && ["openid", "email", "profile"].iter().all(|scope| said("scope").split(' ').any(|asked| asked == *scope))
        && said("code_challenge_method") == "S256"
        && ["state", "nonce", "code_challenge"].iter().all(|name| said(name).len() >= 32);
    let (true, Ok(visitor)) = (is_right, visitor) else {
        return (StatusCode::BAD_REQUEST, format!("not a request of OpenID Connect: {given:?}")).into_response();
    };
    let code = format!("4/{}", Uuid::new_v4().simple());
    let granted = Granted { nonce: said("nonce").to_owned(), challenge: said("code_challenge").to_owned(), visitor };
    stand_in.codes().insert(code.clone(), granted);
    let back = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", said("state"))
        .finish();
    (StatusCode::FOUND, [(header::LOCATION, format!("{REDIRECT_URL}?{back}"))]).into_response()
}

/// Takes a code for tokens, once (RFC 6749, 4.1.3; RFC 7636, 4.6).
async fn token(State(stand_in): State<Arc<StandIn>>, headers: HeaderMap, Form(given): Form<Parameters>) -> Response {
    let said = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let refused = |error: &str| {
        // Whoever repeats what a provider says tells the secret.
        let told = format!("refused with {CLIENT_SECRET}");
        (StatusCode::BAD_REQUEST, Answer(json!({"error": error, "error_description": told}))).into_response()
    };
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(basic.as_str()) {
        return refused("invalid_client");
    }
    if said("grant_type") != "authorization_code" || said("redirect_uri") != REDIRECT_URL {
        return refused("invalid_request");
    }
    let Some(granted) = stand_in.codes().remove(said("code")) else { return refused("invalid_grant") };
    let proof = digest::digest(&digest::SHA256, said("code_verifier").as_bytes());
    if BASE64.encode(proof.as_ref()) != granted.challenge {
        return refused("invalid_grant");
    }
    match stand_in.answer(&granted).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

impl StandIn {
    async fn answer(&self, granted: &Granted) -> anyhow::Result<Response> {
        let mut told = json!({
            "access_token": "ya29.stand-in", "token_type": "Bearer", "expires_in": 3599, "scope": "openid email profile",
            "id_token": self.id_token(granted)?,
        });
        Ok(match granted.visitor.lie {
            Some(Lie::Missing) => {
                told.as_object_mut().context("no object")?.remove("id_token");
                Answer(told).into_response()
            }
            Some(Lie::Slow) => {
                tokio::time::sleep(TOO_LONG).await;
                Answer(told).into_response()
            }
            Some(Lie::Status500) => (StatusCode::INTERNAL_SERVER_ERROR, CLIENT_SECRET).into_response(),
            Some(Lie::InvalidClient) => {
                (StatusCode::UNAUTHORIZED, Answer(json!({"error": "invalid_client"}))).into_response()
            }
            Some(Lie::Redirected) => {
                let elsewhere = [(header::LOCATION, format!("{}/token", self.issuer))];
                (StatusCode::TEMPORARY_REDIRECT, elsewhere).into_response()
            }
            Some(Lie::Huge) => {
                told["padding"] = " ".repeat(HUGE).into();
                Answer(told).into_response()
            }
            Some(Lie::Garbage) => ([(header::CONTENT_TYPE, "application/json")], "\u{fe}<html>").into_response(),
            Some(Lie::ContentType) => ([(header::CONTENT_TYPE, "text/html")], told.to_string()).into_response(),
            Some(Lie::Closed) => {
                let broken = stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("as planned")) });
                Body::from_stream(broken).into_response()
            }
            _ => Answer(told).into_response(),
        })
    }

    fn id_token(&self, granted: &Granted) -> anyhow::Result<String> {
        let (visitor, lie) = (&granted.visitor, granted.visitor.lie);
        let claims = claims(granted, &self.issuer)?;
        let (other, own) = (self.published(1)?, self.published(0)?);
        let signed = match lie {
            Some(Lie::NoToken) => return Ok("no token".to_owned()),
            Some(Lie::AlgorithmNone) => return Ok(format!("{}.", unsigned(&json!({"alg": "none"}), &claims))),
            Some(Lie::PublicKeyAsSecret) => by_secret(&claims, &self.rsa_modulus()),
            Some(Lie::ClientSecret) => by_secret(&claims, CLIENT_SECRET.as_bytes()),
            Some(Lie::UnknownKey) => self.by_elliptic(&claims, "nobody-knows-me", &self.elliptic_key()?)?,
            Some(Lie::OtherKey) => self.by_elliptic(&claims, &own.0, &other.1)?,
            Some(Lie::NewKey) => {
                let name = self.publish(self.elliptic_key()?);
                let key = self.elliptic().iter().find(|(known, _)| *known == name).map(|(_, key)| Arc::clone(key));
                self.by_elliptic(&claims, &name, key.context("no key")?.as_ref())?
            }
            _ => match visitor.algorithm {
                Algorithm::Rs256 => self.by_rsa(&claims)?,
                Algorithm::Es256 => self.by_elliptic(&claims, &own.0, &own.1)?,
            },
        };
        let mut parts: Vec<_> = signed.split('.').map(str::to_owned).collect();
        match lie {
            Some(Lie::Tampered) => {
                let mut changed = claims;
                changed["sub"] = "somebody-else".into();
                parts[1] = BASE64.encode(changed.to_string());
            }
            Some(Lie::Signature) => parts[2] = BASE64.encode([7_u8; 256]),
            _ => {}
        }
        Ok(parts.join("."))
    }

    fn by_rsa(&self, claims: &Json) -> anyhow::Result<String> {
        let message = unsigned(&json!({"alg": "RS256", "typ": "JWT", "kid": "rsa"}), claims);
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        self.rsa
            .sign(&RSA_PKCS1_SHA256, &self.random, message.as_bytes(), &mut signature)
            .map_err(|_| anyhow::anyhow!("not signed"))?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }

    fn by_elliptic(&self, claims: &Json, name: &str, key: &EcdsaKeyPair) -> anyhow::Result<String> {
        let message = unsigned(&json!({"alg": "ES256", "typ": "JWT", "kid": name}), claims);
        let signature = key.sign(&self.random, message.as_bytes()).map_err(|_| anyhow::anyhow!("not signed"))?;
        Ok(format!("{message}.{}", BASE64.encode(signature.as_ref())))
    }
}

/// What a token says of a visitor.
fn claims(granted: &Granted, issuer: &str) -> anyhow::Result<Json> {
    let (visitor, now) = (&granted.visitor, Clock::system().now().epoch_seconds());
    let tomorrow = now + 24 * 3_600;
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT_ID, "sub": visitor.subject, "iat": now, "exp": now + 3_600, "nonce": granted.nonce,
        "email": visitor.email, "email_verified": true,
    });
    if let Some(name) = &visitor.name {
        claims["name"] = name.as_str().into();
    }
    if let Some(picture) = &visitor.picture {
        claims["picture"] = picture.as_str().into();
    }
    let said = claims.as_object_mut().context("no object")?;
    let mut say = |name: &str, value: Json| said.insert(name.to_owned(), value);
    match visitor.lie {
        Some(Lie::Audience) => say("aud", "somebody-else".into()),
        Some(Lie::TwoAudiences) => say("aud", json!([CLIENT_ID, "somebody-else"])),
        Some(Lie::Issuer) => say("iss", "https://accounts.example.com".into()),
        Some(Lie::Expired) => say("exp", (now - 5).into()),
        Some(Lie::NotYet) => say("nbf", tomorrow.into()),
        Some(Lie::IssuedLater) => say("iat", tomorrow.into()),
        Some(Lie::Nonce) => say("nonce", "of-another-sign-in".into()),
        Some(Lie::NoNonce) => said.remove("nonce"),
        Some(Lie::Unverified) => say("email_verified", false.into()),
        Some(Lie::UnsaidVerified) => said.remove("email_verified"),
        Some(Lie::NoEmail) => said.remove("email"),
        Some(Lie::NoSubject) => said.remove("sub"),
        Some(Lie::LongSubject) => say("sub", "x".repeat(256).into()),
        _ => None,
    };
    Ok(claims)
}

fn unsigned(header: &Json, claims: &Json) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

fn by_secret(claims: &Json, secret: &[u8]) -> String {
    let message = unsigned(&json!({"alg": "HS256", "typ": "JWT", "kid": "rsa"}), claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64.encode(signature.as_ref()))
}
