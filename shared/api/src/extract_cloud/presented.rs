//! What a request presents to say who is calling.

use axum::http::{HeaderMap, HeaderName, Method, header};
use identity::Session;
use secrets::ApiKey;

use super::cookies::{SESSION_COOKIE, cookie};
use super::error::Error;
use crate::presented::{bearer, is_plausible};

/// What a browser repeats of its session with every request that changes something.
const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
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
            let credential = bearer(header).ok_or(invalid)?;
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
