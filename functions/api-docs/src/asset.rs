//! A file of this function: how it is sent, and how long it may be kept.

use std::io::Read;

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

/// What the pages may do: everything of their own host, and nothing of another. Both put styles into their elements, `ReDoc` searches in a
/// worker that it makes of its own script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    media_type: &'static str,
    content: &'static [u8],
    /// How long browsers keep it without asking whether it is still the same.
    caching: &'static str,
}

impl Asset {
    /// One that may change with each version of this function.
    pub(crate) const fn changing(media_type: &'static str, content: &'static [u8]) -> Self {
        Self { media_type, content, caching: "no-cache" }
    }

    /// One that changes rarely.
    pub(crate) const fn lasting(media_type: &'static str, content: &'static [u8]) -> Self {
        Self { media_type, content, caching: "public, max-age=86400" }
    }

    /// The answer to a request for it: compressed where the caller takes that, and only that nothing has changed where it has it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = self.tag();
        let mut response = if has(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if !self.is_compressed() {
            Body::from(self.content).into_response()
        } else if takes_gzip(headers) {
            ([(CONTENT_ENCODING, "gzip")], Body::from(self.content)).into_response()
        } else {
            match self.plain() {
                Ok(plain) => Body::from(plain).into_response(),
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        let told = [
            (CONTENT_TYPE, self.media_type),
            (CACHE_CONTROL, self.caching),
            (VARY, "Accept-Encoding"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        let told = told.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        response.headers_mut().extend(told.collect::<Vec<(HeaderName, HeaderValue)>>());
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }

    fn is_compressed(&self) -> bool {
        self.content.starts_with(&[0x1f, 0x8b])
    }

    fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(self.content).read_to_end(&mut plain)?;
        Ok(plain)
    }

    /// Weak, since it is of the file, however it is sent: of what is compressed its checksum and its length (RFC 1952, section 2.3.1).
    fn tag(&self) -> String {
        let end = if self.is_compressed() {
            let start = self.content.len().saturating_sub(8);
            u64::from_be_bytes(self.content[start..].try_into().unwrap_or_default())
        } else {
            // FNV-1a: it tells versions of a page apart, and nothing else.
            self.content
                .iter()
                .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        };
        format!("W/\"{end:016x}\"")
    }
}

/// Whether a caller has the file that a tag is of.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let strong = tag.trim_start_matches("W/");
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == strong)
}

/// Whether a caller takes what is compressed by gzip (RFC 9110, section 12.5.3). Who sends no `Accept` is sent text: API Gateway makes bytes of a
/// function's answer by that header alone.
fn takes_gzip(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT) {
        return false;
    }
    let given = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = given.flat_map(|codings| codings.split(',')).filter_map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        Some((name.trim().to_ascii_lowercase(), weight?))
    });
    codings.any(|(name, weight)| matches!(name.as_str(), "gzip" | "x-gzip" | "*") && weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_who_takes_gzip_is_sent_it() {
        for (given, is_taken) in [
            ("gzip, deflate, br", true),
            ("br;q=1, GZIP;q=0.5", true),
            ("*", true),
            ("identity", false),
            ("br", false),
            ("gzip;q=0", false),
            ("gzip;q=x", false),
            ("", false),
        ] {
            let mut headers = with(ACCEPT_ENCODING, given);
            assert!(!takes_gzip(&headers), "{given}, and no Accept");
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
            assert_eq!(takes_gzip(&headers), is_taken, "{given}");
        }
        assert!(!takes_gzip(&with(ACCEPT, "*/*")));
    }

    #[test]
    fn a_file_is_known_by_its_tag() {
        let asset = Asset::changing("text/plain", b"something");
        let tag = asset.tag();
        for (given, status) in [
            (tag.clone(), 304),
            (tag.trim_start_matches("W/").to_owned(), 304),
            (format!("\"other\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (String::new(), 200),
        ] {
            let answer = asset.answer(&with(IF_NONE_MATCH, &given));
            assert_eq!((answer.status().as_u16(), &answer.headers()[ETAG]), (status, &tag[..]), "{given}");
        }
        assert_ne!(tag, Asset::changing("text/plain", b"something else").tag());
    }
}
