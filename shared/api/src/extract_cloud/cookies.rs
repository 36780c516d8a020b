//! Cookies: all of this one host, over TLS alone (but for loopback, where browsers let them pass), on all its paths.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie that holds a session's token.
pub const SESSION_COOKIE: &str = "__Host-session";
/// The cookie that remembers the state of a sign-in with the identity provider: what comes back must be of the browser that it began in.
pub const SIGN_IN_COOKIE: &str = "__Host-sign-in";

/// The value of a cookie, if it was sent once; of two of the same name nobody knows which is whose.
#[must_use]
pub fn cookie<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter_map(|(key, value)| (key == name).then_some(value));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// A cookie for so long, which scripts may read or not. Its value must be of the characters of tokens: letters, digits, `-`, `_`, `.`.
#[must_use]
pub fn new_cookie(name: &str, value: &str, lasts: Duration, for_scripts: bool) -> Option<HeaderValue> {
    let http_only = if for_scripts { "" } else { " HttpOnly;" };
    let seconds = lasts.as_secs();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={seconds}; Secure;{http_only} SameSite=Lax")).ok()
}

/// A cookie for so long that no request carries which begins on another site, and no script reads. Its value is as that of [`new_cookie`].
#[must_use]
pub fn strict_cookie(name: &str, value: &str, lasts: Duration) -> Option<HeaderValue> {
    let seconds = lasts.as_secs();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict")).ok()
}

/// What takes a cookie away.
#[must_use]
pub fn expired_cookie(name: &str) -> Option<HeaderValue> {
    new_cookie(name, "", Duration::ZERO, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_if_it_is_there_once() {
        for (lines, value) in [
            (vec!["__Host-session=a.b.c"], Some("a.b.c")),
            (vec!["x=1; __Host-session=a.b.c;y=2"], Some("a.b.c")),
            (vec!["x=1", "__Host-session=a=="], Some("a==")),
            (vec!["__Host-session="], Some("")),
            (vec!["__Host-session=a; __Host-session=b"], None),
            (vec!["__Host-session=a", "__Host-session=a"], None),
            (vec!["session=a", "__host-session=a", "x__Host-session=a"], None),
            (vec![], None),
        ] {
            assert_eq!(cookie(&headers(&lines), SESSION_COOKIE), value, "{lines:?}");
        }
    }

    #[test]
    fn cookies_are_of_this_host_and_hidden_from_scripts_unless_they_are_for_them() {
        let minute = Duration::from_mins(1);
        let hidden = new_cookie("__Host-a", "v", minute, false).unwrap();
        assert_eq!(hidden, "__Host-a=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(
            new_cookie("__Host-a", "v", minute, true).unwrap(),
            "__Host-a=v; Path=/; Max-Age=60; Secure; SameSite=Lax"
        );
        assert_eq!(expired_cookie("__Host-a").unwrap(), "__Host-a=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(new_cookie("__Host-a", "a\nb", minute, false), None);
        assert_eq!(
            strict_cookie("__Host-a", "v", minute).unwrap(),
            "__Host-a=v; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
        assert_eq!(strict_cookie("__Host-a", "a\r\nb", minute), None);
    }
}
