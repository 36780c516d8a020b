//! A file of this function: how it is sent, and how long it may be kept.

use std::borrow::Cow;
use std::io::Read;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
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

    /// The answer to a request for it; that nothing has changed, where its caller has it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = self.tag();
        let mut response = if has(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            match self.plain() {
                Ok(plain) => Body::from(plain).into_response(),
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        let told = [
            (CONTENT_TYPE, self.media_type),
            (CACHE_CONTROL, self.caching),
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

    /// The file as it is. It is sent so, since API Gateway would spoil bytes that are no text (docs/decisions/0024-documents.md).
    fn plain(&self) -> std::io::Result<Cow<'static, [u8]>> {
        if !self.is_compressed() {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut plain = Vec::new();
        GzDecoder::new(self.content).read_to_end(&mut plain)?;
        Ok(Cow::Owned(plain))
    }

    /// Of what is compressed its checksum and its length (RFC 1952, section 2.3.1).
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
        format!("\"{end:016x}\"")
    }
}

/// Whether a caller has the file that a tag is of.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_is_kept_compressed_is_sent_plain() {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(b"something").unwrap();
        let asset = Asset::changing("text/plain", packed.finish().unwrap().leak());
        assert_eq!(asset.plain().unwrap().as_ref(), b"something");
    }

    #[test]
    fn a_file_is_known_by_its_tag() {
        let asset = Asset::changing("text/plain", b"something");
        let tag = asset.tag();
        for (given, status) in [
            (tag.clone(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"other\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (String::new(), 200),
        ] {
            let answer = asset.answer(&with(IF_NONE_MATCH, &given));
            assert_eq!(answer.status(), status, "{given}");
            assert_eq!(answer.headers()[ETAG], tag, "{given}");
        }
        assert_ne!(tag, Asset::changing("text/plain", b"something else").tag());
    }
}
