//! Whether a request that changes something was made by a page of the console's own: by what the browser says of where it comes from, and by what only
//! such a page knows.

use axum::http::{HeaderMap, HeaderName, header};
use secrets::fingerprint;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The field of a form that repeats its session's secret.
pub(crate) const TOKEN_FIELD: &str = "csrf";

/// Whether a request comes from a page of this very host, as far as its headers tell. Every browser sends `Sec-Fetch-Site`, and no page can change it;
/// what sends neither it nor `Origin` is no browser that a page could lead astray.
pub(crate) fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(FETCH_SITE) {
        return site == "same-origin";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
    }
}

/// Whether a request was begun by a page of another site: its browser holds strict cookies back.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// Whether a form repeats the secret. What takes different times to compare are hashes, of which a time tells nothing.
pub(crate) fn repeats(told: Option<&str>, secret: &str) -> bool {
    told.is_some_and(|told| !secret.is_empty() && fingerprint(told) == fingerprint(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_page_of_another_origin_changes_nothing() {
        let host = ("host", "api.example.com");
        for (sent, is_ours) in [
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere.example")], true),
            (vec![host, ("sec-fetch-site", "same-site"), ("origin", "https://api.example.com")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("sec-fetch-site", "")], false),
            (vec![host, ("origin", "https://api.example.com")], true),
            (vec![host, ("origin", "https://api.example.com.evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("origin", "")], false),
            (vec![("origin", "https://api.example.com")], false),
            (vec![host], true),
        ] {
            assert_eq!(comes_from_here(&headers(&sent)), is_ours, "{sent:?}");
        }
    }

    #[test]
    fn a_secret_is_repeated_or_it_is_not() {
        for (told, secret, is_repeated) in [
            (Some("abc"), "abc", true),
            (Some("abd"), "abc", false),
            (Some(""), "", false),
            (Some(""), "abc", false),
            (None, "abc", false),
            (None, "", false),
        ] {
            assert_eq!(repeats(told, secret), is_repeated, "{told:?} {secret}");
        }
    }
}
