//! What is `advanced_scraping`'s own.

use std::collections::BTreeSet;

use garde::{Error, Validate};
use indexmap::IndexMap;
use scraping::selectors;
use serde::{Deserialize, Serialize};

use super::yes;

/// The most headers.
pub(crate) const MOST_HEADERS: usize = 30;
/// The most cookies.
pub(crate) const MOST_COOKIES: usize = 50;
/// The longest name of a header or a cookie, in bytes.
const LONGEST_NAME: usize = 128;
/// The longest value of a header, in bytes.
pub(crate) const LONGEST_HEADER: usize = 2_048;
/// The longest value of a cookie, in bytes: what browsers keep.
pub(crate) const LONGEST_COOKIE: usize = 4_096;
/// The highest rate, in pages a second.
pub(crate) const HIGHEST_RATE: f64 = 10.0;

/// Headers that are the connection's (RFC 9110, section 7.6.1), that say where a message goes or how long it is, or that have a field of
/// their own here.
const OURS: [&str; 14] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is `advanced_scraping`'s own: how pages are rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
pub struct AdvancedConfig {
    /// Whether the pages' scripts run.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub javascript_enabled: bool,
    /// What must be on a page before it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(check_selector)))]
    pub wait_for_selector: Option<String>,
    /// Headers of the requests for the pages, up to 30.
    #[serde(default)]
    #[garde(custom(check_headers))]
    pub custom_headers: IndexMap<String, String>,
    /// Cookies for the pages' hosts, up to 50.
    #[serde(default)]
    #[garde(custom(check_cookies))]
    pub cookies: IndexMap<String, String>,
    /// Whether each page is asked for through another proxy.
    #[serde(default)]
    #[garde(skip)]
    pub proxy_rotation: bool,
    /// The most pages a second: more than 0, up to 10. None: as fast as their hosts have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(check_rate)))]
    pub rate_limit: Option<f64>,
}

fn check_selector(css: &str, (): &()) -> garde::Result {
    selectors::check(css).map_err(Error::new)
}

fn check_rate(rate: &f64, (): &()) -> garde::Result {
    if *rate > 0.0 && *rate <= HIGHEST_RATE {
        return Ok(());
    }
    Err(Error::new(format!("must be a number of pages a second, more than 0 and up to {HIGHEST_RATE}")))
}

fn check_headers(headers: &IndexMap<String, String>, (): &()) -> garde::Result {
    let mut names = BTreeSet::new();
    for (name, value) in headers {
        is_token(name, "header")?;
        let lower = name.to_ascii_lowercase();
        if OURS.contains(&lower.as_str()) {
            return Err(Error::new(format!("must not have '{name}': it is not yours to set")));
        }
        if !names.insert(lower) {
            return Err(Error::new(format!("has '{name}' twice: names differ by more than their case")));
        }
        if value.len() > LONGEST_HEADER || !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Err(Error::new(format!("the value of '{name}' must be up to {LONGEST_HEADER} ASCII characters")));
        }
    }
    Ok(())
}

fn check_cookies(cookies: &IndexMap<String, String>, (): &()) -> garde::Result {
    for (name, value) in cookies {
        is_token(name, "cookie")?;
        // More than RFC 6265 lets servers send, and what browsers take.
        if value.len() > LONGEST_COOKIE || !value.bytes().all(|byte| byte != b';' && (b' '..=b'~').contains(&byte)) {
            return Err(Error::new(format!(
                "the value of '{name}' must be up to {LONGEST_COOKIE} ASCII characters other than ';'"
            )));
        }
    }
    Ok(())
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(name: &str, what: &str) -> garde::Result {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_token_byte) {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(Error::new(format!("'{}' cannot be the name of a {what}", shown.escape_debug())))
}
