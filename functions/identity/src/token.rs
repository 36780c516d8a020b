//! ID tokens, judged by OpenID Connect Core 1.0, 3.1.3.7: signature, issuer, audience, expiry and nonce by `openidconnect`, and what it
//! leaves to us.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError};
use serde::Deserialize;
use table::{Clock, Millis};
use url::Url;

use crate::provider::{Person, SignInError};

/// How far the provider's clock may be before ours, in seconds.
const LEEWAY: i64 = 60;
/// The longest subject (OpenID Connect Core 1.0, 2) and the longest address (RFC 5321).
const LONGEST_SUBJECT: usize = 255;
const LONGEST_EMAIL: usize = 254;
/// The longest name that is taken over, in characters, and the longest address of a picture.
const LONGEST_NAME: usize = 200;
const LONGEST_PICTURE: usize = 2_048;
/// The algorithms of signatures that anybody can verify and only the provider can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
];

/// What becomes of a token.
#[derive(Debug)]
pub(crate) enum Judged {
    /// It is good, and of this person.
    Of(Box<Person>),
    /// It names a key that is not among those that are known.
    ByUnknownKey,
}

/// Judges a token.
pub(crate) fn judge(
    token: &CoreIdToken,
    metadata: &CoreProviderMetadata,
    client: &ClientId,
    nonce: &Nonce,
) -> Result<Judged, SignInError> {
    let (issuer, keys) = (metadata.issuer().clone(), metadata.jwks().clone());
    let latest = seconds_now() + LEEWAY;
    // Without our secret, so that it can verify nothing: who knows it could sign.
    let verifier = CoreIdTokenVerifier::new_public_client(client.clone(), issuer, keys)
        .set_allowed_algs(ALGORITHMS)
        .set_issue_time_verifier_fn(move |issued| {
            if issued.timestamp() <= latest { Ok(()) } else { Err("it was issued in the future".to_owned()) }
        });
    match token.claims(&verifier, nonce) {
        Ok(claims) => {
            check_begin(token, latest)?;
            person(claims).map(Box::new).map(Judged::Of)
        }
        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
            Ok(Judged::ByUnknownKey)
        }
        Err(error) => Err(SignInError::Token(reason(&error))),
    }
}

/// The crate does not look at `nbf`.
fn check_begin(token: &CoreIdToken, latest: i64) -> Result<(), SignInError> {
    #[derive(Deserialize)]
    struct Begin {
        nbf: Option<f64>,
    }
    let text = token.to_string();
    let payload = text.split('.').nth(1).and_then(|payload| BASE64.decode(payload).ok());
    let begin = payload.and_then(|payload| serde_json::from_slice::<Begin>(&payload).ok());
    let begin = begin.ok_or_else(|| SignInError::Token("its nbf is no time".to_owned()))?;
    #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch fit")]
    let latest = latest as f64;
    if begin.nbf.is_some_and(|begin| begin > latest) {
        return Err(SignInError::Token("it is not good yet".to_owned()));
    }
    Ok(())
}

fn person(claims: &CoreIdTokenClaims) -> Result<Person, SignInError> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
        return Err(SignInError::Token("its subject is none".to_owned()));
    }
    let email = claims.email().map(|email| email.as_str()).filter(|email| is_address(email));
    let email = email.ok_or_else(|| SignInError::Token("it has no e-mail address".to_owned()))?;
    if claims.email_verified() != Some(true) {
        return Err(SignInError::Unverified);
    }
    let name = claims.name().and_then(|names| names.get(None)).map(|name| name.as_str());
    let picture = claims.picture().and_then(|pictures| pictures.get(None)).map(|picture| picture.as_str());
    Ok(Person {
        issuer: claims.issuer().as_str().to_owned(),
        subject: subject.to_owned(),
        email: email.to_owned(),
        name: name_of(name, email),
        picture: picture.filter(|picture| is_picture(picture)).map(str::to_owned),
    })
}

/// What a person is called: by the provider, or else by what stands before the `@` of their address.
fn name_of(given: Option<&str>, email: &str) -> String {
    let tidy = |name: &str| name.chars().filter(|each| !each.is_control()).take(LONGEST_NAME).collect::<String>();
    let given = given.map(tidy).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    given.unwrap_or_else(|| tidy(email.split('@').next().unwrap_or(email)))
}

fn is_address(email: &str) -> bool {
    let parts = email.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty());
    parts && email.len() <= LONGEST_EMAIL && !email.chars().any(|each| each.is_control() || each.is_whitespace())
}

fn is_picture(address: &str) -> bool {
    address.len() <= LONGEST_PICTURE && Url::parse(address).is_ok_and(|url| url.scheme() == "https")
}

/// Why a token is refused, for the log, without what it holds.
fn reason(error: &ClaimsVerificationError) -> String {
    let reason = match error {
        ClaimsVerificationError::Expired(_) => "it has expired, or is not of now",
        ClaimsVerificationError::InvalidAudience(_) => "it is for somebody else",
        ClaimsVerificationError::InvalidIssuer(_) => "it is of somebody else",
        ClaimsVerificationError::InvalidNonce(_) => "it is of another sign-in",
        ClaimsVerificationError::SignatureVerification(_) => "its signature is none",
        _ => "it is not in the form that it should have",
    };
    reason.to_owned()
}

fn seconds_now() -> i64 {
    let Millis(now) = Clock::system().now();
    i64::try_from(now / 1_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_a_name_whatever_the_provider_says() {
        for (given, email, name) in [
            (Some("Jane Doe"), "jane@example.com", "Jane Doe"),
            (Some(" Jane\u{0}\n "), "jane@example.com", "Jane"),
            (Some("  "), "jane@example.com", "jane"),
            (None, "jane@example.com", "jane"),
        ] {
            assert_eq!(name_of(given, email), name);
        }
        assert_eq!(name_of(Some(&"x".repeat(500)), "j@example.com").len(), LONGEST_NAME);
    }

    #[test]
    fn addresses_and_pictures_are_bounded() {
        let long = format!("{}@example.com", "x".repeat(300));
        for (email, is_one) in [
            ("jane@example.com", true),
            ("jane@localhost", true),
            ("@example.com", false),
            ("jane@", false),
            ("jane", false),
            ("ja ne@example.com", false),
            ("jane@example.com\r\nBcc: x", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_address(email), is_one, "{email:?}");
        }
        assert!(is_picture("https://example.com/a.png"));
        assert!(!is_picture("javascript:alert(1)") && !is_picture("http://example.com/a.png"));
        assert!(!is_picture(&format!("https://example.com/{}", "x".repeat(2_048))));
    }
}
