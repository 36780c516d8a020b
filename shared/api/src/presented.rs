//! Keys and tokens that headers present.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use secrets::ApiKey;

/// The longest credential that is looked at.
const LONGEST: usize = 2_000;
/// The longest API key.
const LONGEST_KEY: usize = 128;

/// The key that a header presents; none if it cannot be one.
pub(crate) fn presented_key(headers: &HeaderMap, header: &HeaderName) -> Option<ApiKey> {
    let presented = headers.get(header)?.to_str().ok()?;
    let plausible =
        (8..=LONGEST_KEY).contains(&presented.len()) && presented.bytes().all(|byte| byte.is_ascii_graphic());
    plausible.then(|| ApiKey::presented(presented))
}

/// The credentials of a bearer header, if they can be a key or a token.
pub(crate) fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, credential) = header.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && is_plausible(credential)).then_some(credential)
}

/// Whether it is a key, `sk_` and up to 128 visible characters, or three parts with dots between.
pub(crate) fn is_plausible(credential: &str) -> bool {
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
            assert_eq!(bearer(&HeaderValue::from_str(header).unwrap()), credential, "{header}");
        }
    }
}
