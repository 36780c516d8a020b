//! Tokens: claims that are signed (RFC 7519), each with who issued it and for how long it is good.

use std::time::Duration;

use jsonwebtoken::errors::Error as JwtError;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, encode};
use parameters::{ParameterError, Parameters};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{Clock, Millis};
use thiserror::Error;

use crate::session_keys::{KEY_TRUSTED, PUBLIC_KEYS, PublicKeys, SIGNING_KEY, SigningKey, UNKNOWN_KEY_TRUSTED};
use crate::signature;

/// How long a token is good (RULINGS.md, "extract-cloud").
pub const SESSION_LENGTH: Duration = Duration::from_hours(1);

/// Who issues the tokens.
const ISSUER: &str = "drover";
/// How far two functions' clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(5);
/// The longest token that is looked at, in bytes: ours have less than 500.
const LONGEST_TOKEN: usize = 2_000;

/// Why a token cannot be made or judged.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The keys cannot be read.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A parameter does not hold what it should.
    #[error("the parameter {0} holds no session key")]
    Damaged(&'static str),
    /// The key does not sign.
    #[error("a token cannot be signed: {0}")]
    Unsigned(#[from] JwtError),
}

/// Who issued a token, and for how long it is good; flatten it into its claims. Times in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    iss: String,
    iat: u64,
    exp: u64,
}

impl Term {
    /// An hour from `now`.
    #[must_use]
    pub fn beginning(now: Millis) -> Self {
        let (iat, exp) = (now.epoch_seconds(), now.after(SESSION_LENGTH).epoch_seconds());
        Self { iss: ISSUER.to_owned(), iat, exp }
    }

    /// Whether it is of one of ours that is good at `now`.
    pub(crate) fn is_good_at(&self, now: Millis) -> bool {
        let (now, leeway) = (now.epoch_seconds(), LEEWAY.as_secs());
        self.iss == ISSUER && self.iat <= now + leeway && now < self.exp
    }

    /// From when nobody need remember that it was ended, in seconds since the epoch.
    pub(crate) const fn forgotten_at(&self) -> u64 {
        self.exp + LEEWAY.as_secs()
    }
}

/// Claims that say for how long they are good.
pub trait Claims: Clone + Serialize + DeserializeOwned {
    /// For how long.
    fn term(&self) -> &Term;
}

/// Makes and judges tokens. One per process: it keeps the keys.
#[derive(Clone)]
pub struct Tokens {
    parameters: Parameters,
    clock: Clock,
    audience: Option<&'static str>,
}

impl Tokens {
    /// With the keys in `parameters`, for this audience (`aud`): a token that names another, or one where there is none, is not judged good.
    #[must_use]
    pub fn new(parameters: Parameters, clock: Clock, audience: Option<&'static str>) -> Self {
        signature::install();
        Self { parameters, clock, audience }
    }

    /// Whom they are for.
    pub(crate) const fn audience(&self) -> Option<&'static str> {
        self.audience
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The token of these claims. Their audience is theirs to name.
    pub async fn sign<T: Claims>(&self, claims: &T) -> Result<String, TokenError> {
        let value = self.parameters.get_fresh(SIGNING_KEY, KEY_TRUSTED).await?;
        let signing = SigningKey::read(value.reveal()).ok_or(TokenError::Damaged(SIGNING_KEY))?;
        let key = signing.key().ok_or(TokenError::Damaged(SIGNING_KEY))?;
        let header = Header { kid: Some(signing.kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, claims, &key)?)
    }

    /// The claims of a token, if it is one of ours, of this audience and of now.
    pub async fn verify<T: Claims>(&self, token: &str) -> Result<Option<T>, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Ok(None);
        }
        let kid =
            decode_header(token).ok().filter(|header| header.alg == Algorithm::EdDSA).and_then(|header| header.kid);
        let Some(kid) = kid else { return Ok(None) };
        let Some(key) = self.public_key(&kid).await? else { return Ok(None) };
        let claims = decode::<T>(token, &key, &rules(self.audience)).ok().map(|token| token.claims);
        Ok(claims.filter(|claims| claims.term().is_good_at(self.clock.now())))
    }

    async fn public_key(&self, kid: &str) -> Result<Option<DecodingKey>, TokenError> {
        for age in [KEY_TRUSTED, UNKNOWN_KEY_TRUSTED] {
            let value = match self.parameters.get_fresh(PUBLIC_KEYS, age).await {
                // Where nobody has ever signed in, no token is good.
                Err(ParameterError::Unset(_)) => return Ok(None),
                value => value?,
            };
            let keys = PublicKeys::read(value.reveal()).ok_or(TokenError::Damaged(PUBLIC_KEYS))?;
            if let Some(key) = keys.find(kid) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}

/// What is judged of a token's claims beside its term. Of one with an audience where there should be none, the crate says itself that it is not good.
fn rules(audience: Option<&'static str>) -> Validation {
    let mut rules = Validation::new(Algorithm::EdDSA);
    // Times are judged by our clock.
    rules.validate_exp = false;
    if let Some(audience) = audience {
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["aud", "exp"]);
    }
    rules
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session_keys::rotate;

    #[test]
    fn a_token_is_good_for_an_hour() {
        let begun = Millis(1_705_314_600_000);
        let term = Term::beginning(begun);
        let at = |seconds: i64| Millis(begun.0.saturating_add_signed(seconds * 1_000));
        for (seconds, is_good) in [(-6, false), (-5, true), (0, true), (3_599, true), (3_600, false), (90_000, false)] {
            assert_eq!(term.is_good_at(at(seconds)), is_good, "{seconds} s after it began");
        }
        let foreign = Term { iss: "https://accounts.google.com".to_owned(), ..term };
        assert!(!foreign.is_good_at(begun));
    }

    #[test]
    fn a_token_of_one_audience_is_good_for_no_other() {
        signature::install();
        let keys = rotate(None, None, false, Millis(1_705_314_600_000)).ok().unwrap();
        let signing = SigningKey::read(&keys.signing_key).unwrap();
        let public = PublicKeys::read(&keys.public_keys).unwrap().find(&signing.kid.to_string()).unwrap();
        let audiences = [None, Some("portal-jobs"), Some("another")];
        for named in audiences {
            let mut claims = json!({"exp": 4_000_000_000_u64});
            if let Some(named) = named {
                claims["aud"] = json!(named);
            }
            let token = encode(&Header::new(Algorithm::EdDSA), &claims, &signing.key().unwrap()).unwrap();
            for asked in audiences {
                let told = decode::<serde_json::Value>(&token, &public, &rules(asked));
                assert_eq!(told.is_ok(), named == asked, "{named:?} where {asked:?} is asked: {told:?}");
            }
        }
    }
}
