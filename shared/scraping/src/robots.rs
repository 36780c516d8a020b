//! What sites allow crawlers, by RFC 9309: one robots.txt per origin, kept for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use robotxt::Robots;
use table::{Clock, Millis};
use tokio::sync::OnceCell;
use url::Url;

use crate::fetch::{Fault, FetchError};
use crate::settings::PRODUCT;

/// How long a robots.txt is believed.
const KEPT: Duration = Duration::from_hours(1);
/// How many origins are remembered.
const MAX_ORIGINS: usize = 1_000;
/// The longest delay between requests that a site can ask for.
const MAX_CRAWL_DELAY: Duration = Duration::from_secs(30);
/// How much of a robots.txt is read (RFC 9309 wants at least 500 KiB).
pub(crate) const MAX_BYTES: usize = 512 * 1024;

/// The rules of one origin.
#[derive(Debug)]
pub(crate) struct Rules(Robots);

impl Rules {
    /// The rules that follow from what came of fetching a robots.txt. An error means that nobody knows them, so that everything is
    /// forbidden for now.
    pub(crate) fn from_answer(answer: Result<Vec<u8>, FetchError>) -> Result<Self, FetchError> {
        let error = match answer {
            Ok(text) => return Ok(Self(Robots::parse(&text, PRODUCT))),
            Err(error) => error,
        };
        match innermost(&error) {
            // 429 says "not now" and not "there is none": it counts as a 5xx does.
            Fault::Status { status: 429, .. } => Err(error),
            Fault::Status { status: 400..=499, .. } | Fault::TooManyRedirects(_) => Ok(Self(Robots::allow_all())),
            _ => Err(error),
        }
    }

    /// Whether this page may be fetched.
    pub(crate) fn allow(&self, url: &Url) -> bool {
        self.0.is_url_allowed(url)
    }

    /// How far apart the site wants requests to be.
    pub(crate) fn crawl_delay(&self) -> Option<Duration> {
        self.0.crawl_delay().map(|delay| delay.min(MAX_CRAWL_DELAY))
    }
}

fn innermost(error: &FetchError) -> &Fault {
    match &error.fault {
        Fault::Redirected(error) => innermost(error),
        fault => fault,
    }
}

/// The rules of the origins seen of late.
#[derive(Debug)]
pub(crate) struct RobotsCache {
    clock: Clock,
    origins: Mutex<HashMap<String, Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    rules: Arc<OnceCell<Rules>>,
    expires_at: Millis,
}

impl RobotsCache {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, origins: Mutex::default() }
    }

    /// The rules of a page's origin, in a cell that is empty until someone has fetched them. Those who want the same one while it is
    /// being fetched wait for it; a failure leaves it empty, so that the next one tries again.
    pub(crate) fn rules_of(&self, url: &Url) -> Arc<OnceCell<Rules>> {
        let origin = url.origin().ascii_serialization();
        let now = self.clock.now();
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = origins.get(&origin).filter(|entry| entry.expires_at > now) {
            return Arc::clone(&entry.rules);
        }
        if origins.len() >= MAX_ORIGINS {
            origins.retain(|_, entry| entry.expires_at > now);
        }
        if origins.len() >= MAX_ORIGINS {
            origins.clear();
        }
        let rules = Arc::new(OnceCell::new());
        origins.insert(origin, Entry { rules: Arc::clone(&rules), expires_at: now.after(KEPT) });
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn failed(fault: Fault) -> Result<Vec<u8>, FetchError> {
        Err(fault.of(&url("http://a.example/robots.txt")))
    }

    #[test]
    fn what_came_of_fetching_decides_as_rfc_9309_says() {
        let status = |status| failed(Fault::Status { status, retry_after: None });
        for (answer, allowed) in [
            (Ok(b"User-agent: *\nDisallow: /private".to_vec()), Some(false)),
            (Ok(b"User-agent: *\nDisallow: /other".to_vec()), Some(true)),
            (Ok(b"User-agent: drover\nDisallow: /\n\nUser-agent: *\nAllow: /".to_vec()), Some(false)),
            (Ok(b"User-agent: someone\nDisallow: /".to_vec()), Some(true)),
            (Ok(b"User-agent: *\nDisallow: /\nAllow: /private/open".to_vec()), Some(false)),
            (Ok(b"<html>no such page</html>".to_vec()), Some(true)),
            (Ok(vec![0xff; 700_000]), Some(true)),
            (status(404), Some(true)),
            (status(403), Some(true)),
            (status(429), None),
            (status(500), None),
            (status(503), None),
            (failed(Fault::TooManyRedirects(5)), Some(true)),
            (failed(Fault::Interrupted), None),
        ] {
            let shown = format!("{answer:?}");
            let rules = Rules::from_answer(answer).ok();
            assert_eq!(
                rules.map(|rules| rules.allow(&url("http://a.example/private/page?x=1"))),
                allowed,
                "{shown:.100}"
            );
        }
    }

    #[test]
    fn crawl_delays_are_bounded() {
        let delay = |text: &str| Rules::from_answer(Ok(text.as_bytes().to_vec())).unwrap().crawl_delay();
        assert_eq!(delay("User-agent: *\nCrawl-delay: 2.5"), Some(Duration::from_millis(2_500)));
        assert_eq!(delay("User-agent: *\nCrawl-delay: 86400"), Some(MAX_CRAWL_DELAY));
        assert_eq!(delay("User-agent: *\nCrawl-delay: -1"), None);
        assert_eq!(delay("User-agent: *"), None);
    }

    #[test]
    fn rules_are_kept_per_origin_for_an_hour_and_not_without_bound() {
        let clock = Clock::fake(Millis(1_000));
        let cache = RobotsCache::new(clock.clone());
        let first = cache.rules_of(&url("http://a.example/x"));
        assert!(Arc::ptr_eq(&first, &cache.rules_of(&url("http://a.example:80/y"))));
        assert!(!Arc::ptr_eq(&first, &cache.rules_of(&url("https://a.example/x"))));
        assert!(!Arc::ptr_eq(&first, &cache.rules_of(&url("http://a.example:81/x"))));
        clock.advance(KEPT);
        assert!(!Arc::ptr_eq(&first, &cache.rules_of(&url("http://a.example/x"))));
        for host in 0..3 * MAX_ORIGINS {
            cache.rules_of(&url(&format!("http://{host}.example/")));
            assert!(cache.origins.lock().unwrap().len() <= MAX_ORIGINS);
        }
    }
}
