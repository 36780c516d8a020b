//! The cookies of one visit to one site, by RFC 6265. Because a visit stays at its origin, there is no other host to tell apart, and what is for secure
//! connections only is either always sent or not kept.

use std::time::Duration;

use reqwest::header::{HeaderMap, SET_COOKIE};
use table::Millis;
use url::{Host, Url};

/// The most cookies of a visit, and the longest one in bytes: what browsers keep of a site. Those beyond are not kept.
const MOST: usize = 180;
const LONGEST: usize = 4_096;

/// What a site has given its visitor to carry.
#[derive(Default)]
pub(super) struct Cookies(Vec<Cookie>);

struct Cookie {
    name: String,
    value: String,
    path: String,
    expires_at: Option<Millis>,
}

impl Cookies {
    /// Keeps what an answer from `url` gives.
    pub(super) fn keep(&mut self, headers: &HeaderMap, url: &Url, now: Millis) {
        let given = headers.get_all(SET_COOKIE).into_iter().filter_map(|cookie| cookie.to_str().ok());
        for cookie in given.filter_map(|cookie| Cookie::read(cookie, url, now)) {
            let is_over = cookie.is_over(now);
            match self.0.iter().position(|kept| (&kept.name, &kept.path) == (&cookie.name, &cookie.path)) {
                Some(at) if is_over => drop(self.0.remove(at)),
                Some(at) => self.0[at] = cookie,
                None if is_over || self.0.len() == MOST => {}
                None => self.0.push(cookie),
            }
        }
    }

    /// What is sent to `url`, if anything: of several of one name, the one of the longest path comes first.
    pub(super) fn header(&self, url: &Url, now: Millis) -> Option<String> {
        let sent = self.0.iter().filter(|cookie| !cookie.is_over(now) && is_within(url.path(), &cookie.path));
        let mut sent: Vec<_> = sent.collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let sent: Vec<_> = sent.into_iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }
}

impl Cookie {
    /// Reads a Set-Cookie (section 5.2); none that this site may not give.
    fn read(text: &str, url: &Url, now: Millis) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || text.len() > LONGEST {
            return None;
        }
        let mut cookie =
            Self { name: name.to_owned(), value: value.to_owned(), path: default_path(url), expires_at: None };
        let mut max_age = None;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "path" => cookie.path = default_path(url),
                "domain" if !is_own_domain(url, value) => return None,
                "secure" if url.scheme() != "https" => return None,
                "expires" => cookie.expires_at = date(value).or(cookie.expires_at),
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            cookie.expires_at = Some(now.after(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))));
        }
        Some(cookie)
    }

    fn is_over(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// The path that a cookie has by default: that of the page, up to its last slash (section 5.1.4).
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
        _ => "/".to_owned(),
    }
}

/// Whether a page is within a cookie's path (section 5.1.4).
fn is_within(page: &str, path: &str) -> bool {
    page.strip_prefix(path).is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
}

/// Whether a cookie of this domain is for the host of this URL: its own, or one that it is part of (section 5.1.3).
fn is_own_domain(url: &Url, domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    match url.host() {
        _ if domain.is_empty() => true,
        Some(Host::Domain(host)) => {
            host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
        }
        Some(address) => address.to_string() == domain,
        None => false,
    }
}

/// A date as HTTP has them, also in the older form with hyphens; what is before 1970 is 1970.
fn date(text: &str) -> Option<Millis> {
    let moment = jiff::fmt::rfc2822::parse(&text.replace('-', " ")).ok()?.timestamp();
    Some(Millis(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_793_000_000_000);

    fn url(path: &str) -> Url {
        format!("https://www.portal.example{path}").parse().unwrap()
    }

    fn kept_at(site: &Url, given: &[&str]) -> Cookies {
        let mut cookies = Cookies::default();
        for given in given {
            let headers = HeaderMap::from_iter([(SET_COOKIE, given.parse().unwrap())]);
            cookies.keep(&headers, site, NOW);
        }
        cookies
    }

    #[test]
    fn what_is_sent_is_what_the_rfc_says() {
        for (given, page, expected) in [
            (&["a=1"][..], "/app/x/y", Some("a=1")),
            (&["a=1"], "/app", Some("a=1")),
            (&["a=1"], "/application", None),
            (&["a=1"], "/", None),
            (&["a=1; Path=/"], "/", Some("a=1")),
            (&["a=1; path=/app/x"], "/app/x", Some("a=1")),
            (&["a=1; path=/app/x"], "/app/xy", None),
            (&["a=1; path=/app/"], "/app/x", Some("a=1")),
            (&["a=1; path=app"], "/app/x", Some("a=1")),
            (&[" a = 1 2 ; HttpOnly; SameSite=Strict; Priority=High"], "/app/", Some("a=1 2")),
            (&["a=\"1=2\""], "/app/", Some("a=\"1=2\"")),
            (&["a="], "/app/", Some("a=")),
            (&["=1", "a", "", ";", "; path=/"], "/app/", None),
            // The same once more, another, and one of a longer path.
            (&["a=1", "b=2", "a=3"], "/app/", Some("a=3; b=2")),
            (&["a=1; path=/", "a=2; path=/app"], "/app/", Some("a=2; a=1")),
            (&["a=1", "a=; Max-Age=0"], "/app/", None),
            (&["a=1", "a=2; Max-Age=-1"], "/app/", None),
            (&["a=1", "a=2; Max-Age=0; path=/"], "/app/", Some("a=1")),
            (&["a=1", "a=; expires=Thu, 01 Jan 1970 00:00:00 GMT"], "/app/", None),
            (&["a=1", "a=; expires=Thu, 01-Jan-1970 00:00:00 GMT"], "/app/", None),
            (&["a=1; expires=Thu, 01-Jan-2099 00:00:00 GMT"], "/app/", Some("a=1")),
            (&["a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10"], "/app/", Some("a=1")),
            (&["a=1; expires=tomorrow; max-age=soon"], "/app/", Some("a=1")),
            (&["a=1; Secure"], "/app/", Some("a=1")),
            (&["a=1; Domain=portal.example"], "/app/", Some("a=1")),
            (&["a=1; Domain=.WWW.Portal.example"], "/app/", Some("a=1")),
            (&["a=1; Domain=other.example"], "/app/", None),
            (&["a=1; Domain=tal.example"], "/app/", None),
            (&["a=1; Domain=x.www.portal.example"], "/app/", None),
        ] {
            let cookies = kept_at(&url("/app/login"), given);
            assert_eq!(cookies.header(&url(page), NOW).as_deref(), expected, "{given:?} at {page}");
        }
    }

    #[test]
    fn a_cookie_ends_when_its_time_has_come() {
        let cookies = kept_at(&url("/"), &["a=1; Max-Age=10"]);
        let at = |seconds| cookies.header(&url("/"), NOW.after(Duration::from_secs(seconds)));
        assert_eq!((at(9).as_deref(), at(10)), (Some("a=1"), None));
    }

    #[test]
    fn addresses_and_plain_connections_have_cookies_of_their_own() {
        let site: Url = "http://127.77.0.1:8080/".parse().unwrap();
        for (given, expected) in [
            ("a=1", Some("a=1")),
            ("a=1; Secure", None),
            ("a=1; Domain=127.77.0.1", Some("a=1")),
            ("a=1; Domain=77.0.1", None),
        ] {
            assert_eq!(kept_at(&site, &[given]).header(&site, NOW).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn there_is_an_end_to_them() {
        let many: Vec<_> = (0..500).map(|number| format!("c{number}=x")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(kept_at(&url("/"), &many).0.len(), MOST);
        assert!(kept_at(&url("/"), &[&format!("a={}", "x".repeat(LONGEST))]).0.is_empty());
    }
}
