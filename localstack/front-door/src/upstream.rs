//! Where a caller's path lies on the emulator.

use std::fmt::Write as _;

use hyper::http::uri::Authority;
use hyper::{Uri, header::HeaderValue};
use thiserror::Error;

/// Why an upstream cannot be used.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// The stage's address is not `http://host:port/path`.
    #[error("the stage's address must be http://host:port/path, without a slash at its end, not {0:?}")]
    Address(String),
}

/// One stage of one REST API on the emulator.
#[derive(Clone, Debug)]
pub struct Upstream {
    authority: Authority,
    host: HeaderValue,
    prefix: String,
    unescapes: bool,
}

impl Upstream {
    /// The stage that the emulator serves at `address` (`http://host:port/path`).
    pub fn new(address: &str) -> Result<Self, UpstreamError> {
        let refuse = || UpstreamError::Address(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| refuse())?;
        let plain = uri.scheme_str() == Some("http") && !uri.path().ends_with('/') && uri.query().is_none();
        let authority = uri.authority().filter(|_| plain).cloned().ok_or_else(refuse)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| refuse())?;
        Ok(Self { authority, host, prefix: uri.path().to_owned(), unescapes: false })
    }

    /// The same, on an emulator that undoes one level of a path's escapes before functions see it, or not.
    #[must_use]
    pub fn unescaping(self, unescapes: bool) -> Self {
        Self { unescapes, ..self }
    }

    /// The `Host` that the emulator expects: it routes by it.
    #[must_use]
    pub fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// Where the emulator serves what a caller asked for as `asked`; `None` where that is no valid address.
    ///
    /// API Gateway hands a path to functions with its escapes as they came: `%2F` is not `/`, nor is `%3F` the start of a query. Where the
    /// emulator undoes one level of them, the path gets one more here.
    #[must_use]
    pub fn locate(&self, asked: &Uri) -> Option<Uri> {
        // `OPTIONS *` has the path `*`.
        let path = if asked.path().starts_with('/') { asked.path() } else { "/" };
        let mut located = self.prefix.clone();
        push_escaped(&mut located, path, |byte| self.unescapes && byte == b'%');
        if let Some(query) = asked.query() {
            located.push('?');
            push_escaped(&mut located, query, |_| false);
        }
        Uri::builder().scheme("http").authority(self.authority.clone()).path_and_query(located).build().ok()
    }
}

/// Appends `text`, with what `also` names escaped, and all outside ASCII: HTTP forbids that bare, and the emulator fails on it.
fn push_escaped(to: &mut String, text: &str, also: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if byte.is_ascii() && !also(byte) {
            to.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(asked: &str, unescapes: bool) -> String {
        let upstream = Upstream::new("http://127.0.0.1:4566/restapis/abc123/local/_user_request_").unwrap();
        upstream.unescaping(unescapes).locate(&asked.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn paths_and_queries_reach_functions_as_they_came() {
        let stage = "http://127.0.0.1:4566/restapis/abc123/local/_user_request_";
        for (asked, expected) in [
            ("/", "/"),
            ("/tasks", "/tasks"),
            ("/tasks/", "/tasks/"),
            ("/tasks?page=1&status=a&status=b", "/tasks?page=1&status=a&status=b"),
            ("/tasks?", "/tasks?"),
            ("/tasks/%2e%2e/x", "/tasks/%252e%252e/x"),
            ("/tasks/../x", "/tasks/../x"),
            ("/a%2Fb%00%ff?q=%26+%20", "/a%252Fb%2500%25ff?q=%26+%20"),
            ("//tasks//", "//tasks//"),
            ("http://elsewhere:1/tasks", "/tasks"),
            ("*", "/"),
            ("/é?q=é", "/%C3%A9?q=%C3%A9"),
        ] {
            assert_eq!(located(asked, true), format!("{stage}{expected}"), "{asked}");
        }
        for (asked, expected) in [("/a%2Fb?q=%26", "/a%2Fb?q=%26"), ("/é", "/%C3%A9")] {
            assert_eq!(located(asked, false), format!("{stage}{expected}"), "{asked}");
        }
    }

    #[test]
    fn what_is_no_stages_address_is_refused() {
        for address in [
            "",
            "127.0.0.1:4566",
            "https://127.0.0.1:4566/s",
            "http://h:1",
            "http://h:1/s/",
            "http://h:1/s?q",
            "http://h:1/a b",
        ] {
            assert!(matches!(Upstream::new(address), Err(UpstreamError::Address(_))), "{address}");
        }
    }
}
