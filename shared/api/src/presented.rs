//! Keys that a header of their own presents.

use axum::http::{HeaderMap, HeaderName};
use secrets::ApiKey;

/// The key that a header presents; none if it cannot be one.
pub(crate) fn presented_key(headers: &HeaderMap, header: &HeaderName) -> Option<ApiKey> {
    let presented = headers.get(header)?.to_str().ok()?;
    let plausible = (8..=128).contains(&presented.len()) && presented.bytes().all(|byte| byte.is_ascii_graphic());
    plausible.then(|| ApiKey::presented(presented))
}
