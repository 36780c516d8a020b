//! What a request presents to say who is calling.

use axum::http::{HeaderMap, HeaderName, Method, header};
use identity::Session;
use secrets::ApiKey;

use super::cookies::{SESSION_COOKIE, cookie};
use super::error::Error;

/// What a browser repeats of its session with every request that changes something.
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
/// The longest credential that is looked at.
const LONGEST: usize = 2_000;
/// The longest API key.
const LONGEST_KEY: usize = 128;

/// What a request presents.
pub(super) enum Presented<'headers> {
    /// An API key, by `Authorization: Bearer sk_…`.
    Key(ApiKey),
    /// A session's token, by `Authorization: Bearer` or by a browser's cookie.
    Token { token: &'headers str, by_cookie: bool },
}

impl<'headers> Presented<'headers> {
    /// What can be a credential. A header goes before a cookie: who sends one means it.
    pub(super) fn by(headers: &'headers HeaderMap) -> Result<Self, Error> {
        if let Some(header) = headers.get(header::AUTHORIZATION) {
            let invalid = Error::Authentication("Invalid or expired credentials");
            let credential = header.to_str().ok().and_then(bearer).ok_or(invalid)?;
            return Ok(if credential.starts_with("sk_") {
                Self::Key(ApiKey::presented(credential))
            } else {
                Self::Token { token: credential, by_cookie: false }
            });
        }
        let token = cookie(headers, SESSION_COOKIE).filter(|token| is_plausible(token));
        let token = token.ok_or(Error::Authentication("Authentication required"))?;
        Ok(Self::Token { token, by_cookie: true })
    }
}

/// Whether a request that a cookie speaks for is meant by the page that has the session: it reads, or it repeats the session's secret, which
/// no page of another site can know.
pub(super) fn is_meant(method: &Method, headers: &HeaderMap, session: &Session) -> bool {
    let repeated = headers.get(CSRF_TOKEN).and_then(|value| value.to_str().ok());
    method.is_safe() || repeated == Some(session.csrf.as_str())
}

/// The credentials of a bearer header, if they can be a key or a token.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, credential) = header.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && is_plausible(credential)).then_some(credential)
}

/// Whether it is a key, `sk_` and up to 128 visible characters, or three parts with dots between.
fn is_plausible(credential: &str) -> bool {
    let is_key = credential.starts_with("sk_") && credential.len() <= LONGEST_KEY;
    let is_token = credential.len() <= LONGEST && credential.split('.').count() == 3;
    (is_key || is_token) && credential.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_credential_is_looked_up() {
        for (header, credential) in [
            ("Bearer sk_live_12ab", Some("sk_live_12ab")),
            ("bearer  sk_live_12ab", Some("sk_live_12ab")),
            ("Bearer ey.ey.sig", Some("ey.ey.sig")),
            ("Basic sk_live_12ab", None),
            ("sk_live_12ab", None),
            ("Bearer ", None),
            ("Bearer eyJhbGciOi", None),
            ("Bearer ey.ey", None),
            ("Bearer ey.ey.ey.ey.ey", None),
            ("Bearer sk_live 12ab", None),
            (&format!("Bearer sk_{}", "a".repeat(126)), None),
            (&format!("Bearer a.b.{}", "a".repeat(2_000)), None),
        ] {
            assert_eq!(bearer(header), credential, "{header}");
        }
    }
}
