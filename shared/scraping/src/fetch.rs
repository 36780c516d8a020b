//! Fetches one page: guarded against addresses that are not public, bounded in time and size, polite to the site.

mod charset;
mod client;
mod error;
mod resolver;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION};
use table::{Clock, Millis, Table};
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use self::client::read;
pub use self::client::{GuardedClient, Limits, Reply, literal_address, retry_after};
pub use self::error::{Fault, FetchError};
use crate::politeness::{HostGate, NoTurn};
use crate::robots::{self, RobotsCache, Rules};
use crate::settings::Settings;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// How often a page is tried again.
const RETRIES: usize = 2;
/// The longest that a server can make us wait by Retry-After.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// What is asked for.
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8");

/// A page, as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The URL that was asked for.
    pub url: Url,
    /// The URL that the content came from, after redirects.
    pub final_url: Url,
    /// The HTTP status: a 2xx.
    pub status: u16,
    /// The Content-Type, as the server gave it.
    pub content_type: Option<String>,
    /// The content, decoded.
    pub text: String,
    /// When the content had been read.
    pub fetched_at: Millis,
}

/// How one page is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// The time that the page may take, retries and redirects included; waiting for the host's turn is not.
    pub timeout: Duration,
    /// Whether redirects are followed; if not, one is an error.
    pub follow_redirects: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), follow_redirects: true }
    }
}

/// Why a [`Fetcher`] or a [`GuardedClient`] could not be made.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// The contact cannot stand in a header.
    #[error("the contact address must be visible ASCII characters")]
    Contact,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[from] reqwest::Error),
}

/// Fetches pages. One per process: it keeps connections and what sites' robots.txt say.
#[derive(Debug)]
pub struct Fetcher {
    client: GuardedClient,
    settings: Settings,
    robots: RobotsCache,
    gate: HostGate,
    clock: Clock,
}

impl Fetcher {
    /// Makes a fetcher, which keeps the hosts' turns in the table `limits`.
    pub fn new(settings: Settings, limits: Table, clock: Clock) -> Result<Self, SetUpError> {
        let client = GuardedClient::new(&settings)?;
        let gate = HostGate::new(limits, clock.clone(), settings.host_interval, settings.max_host_wait);
        Ok(Self { client, settings, robots: RobotsCache::new(clock.clone()), gate, clock })
    }

    /// Fetches a page, trying again after faults that may pass.
    pub async fn fetch(&self, url: &str, options: FetchOptions) -> Result<Page, FetchError> {
        let url: Url = url.parse().map_err(|error| Fault::InvalidUrl(error).of_text(url))?;
        let redirects = options.follow_redirects.then_some(MAX_REDIRECTS);
        let mut budget = Budget::new(options.timeout);
        let mut backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_jitter()
            .with_max_times(RETRIES)
            .build();
        loop {
            let outcome = self.follow(&url, redirects, Purpose::Page, &mut budget).await;
            let error = match outcome {
                Ok((final_url, answer)) => return Ok(self.page(url, final_url, &answer)),
                Err(error) if !error.is_worth_retrying() => return Err(error),
                Err(error) => error,
            };
            let Some(pause) = backoff.next() else { return Err(error) };
            let asked = error.retry_after().unwrap_or_default();
            let pause = pause.max(asked);
            if asked > MAX_RETRY_AFTER || pause >= budget.left() {
                return Err(error);
            }
            tracing::debug!(url = %error.url, fault = %error.fault, pause_ms = pause.as_millis(), "fetching again");
            tokio::time::sleep(pause).await;
        }
    }

    fn page(&self, url: Url, final_url: Url, answer: &Answer) -> Page {
        Page {
            url,
            final_url,
            status: answer.status,
            content_type: answer.content_type.clone(),
            text: charset::decode(&answer.body, answer.content_type.as_deref()),
            fetched_at: self.clock.now(),
        }
    }

    /// Fetches `url` and what it redirects to; `redirects` says how often, `None` that a redirect is an error.
    async fn follow(
        &self,
        url: &Url,
        redirects: Option<usize>,
        purpose: Purpose,
        budget: &mut Budget,
    ) -> Result<(Url, Answer), FetchError> {
        let mut place = url.clone();
        for _ in 0..=redirects.unwrap_or(0) {
            let outcome = self.hop(&place, purpose, budget).await.and_then(|hop| match hop {
                Hop::Redirect(status, _) if redirects.is_none() => Err(Fault::RedirectNotFollowed(status).of(&place)),
                hop => Ok(hop),
            });
            place = match outcome {
                Ok(Hop::Answer(answer)) => return Ok((place, answer)),
                Ok(Hop::Redirect(_, target)) => target,
                Err(error) if place == *url => return Err(error),
                Err(error) => return Err(Fault::Redirected(Box::new(error)).of(url)),
            };
        }
        Err(Fault::TooManyRedirects(MAX_REDIRECTS).of(url))
    }

    /// One request, with everything that must be true before it is made.
    async fn hop(&self, url: &Url, purpose: Purpose, budget: &mut Budget) -> Result<Hop, FetchError> {
        let host = self.client.check(url).map_err(|fault| fault.of(url))?;
        let crawl_delay = match purpose {
            Purpose::Page if self.settings.obey_robots => self.ask_robots(url, budget).await?,
            Purpose::Page | Purpose::RobotsTxt => None,
        };
        let waited = self.gate.wait(&host, crawl_delay).await.map_err(|no_turn| match no_turn {
            NoTurn::Busy { max_wait } => Fault::HostBusy { host, max_wait }.of(url),
            NoTurn::Table(error) => Fault::Turn(error).of(url),
        })?;
        budget.extend(waited);
        budget.limit(self.request(url, purpose, budget.allowed)).await.flatten().map_err(|fault| fault.of(url))
    }

    /// Asks the site's robots.txt whether a page may be fetched; gives the delay that it wants between requests.
    async fn ask_robots(&self, url: &Url, budget: &mut Budget) -> Result<Option<Duration>, FetchError> {
        let cell = self.robots.rules_of(url);
        let rules = cell.get_or_try_init(|| self.fetch_robots(url, budget)).await?;
        if rules.allow(url) { Ok(rules.crawl_delay()) } else { Err(Fault::RobotsDisallowed.of(url)) }
    }

    async fn fetch_robots(&self, url: &Url, budget: &mut Budget) -> Result<Rules, FetchError> {
        let robots_url = robotxt::robots_url(url).map_err(|_| Fault::InvalidUrl(url::ParseError::EmptyHost).of(url))?;
        // Boxed, because fetching a page is what asks for this.
        let answer = Box::pin(self.follow(&robots_url, Some(MAX_REDIRECTS), Purpose::RobotsTxt, budget)).await;
        Rules::from_answer(answer.map(|(_, answer)| answer.body)).map_err(|error| match error.fault {
            // What is wrong with the host is as wrong with the page.
            fault @ (Fault::ResolvedAddress { .. }
            | Fault::UnknownHost(_)
            | Fault::Connect(_)
            | Fault::Tls(_)
            | Fault::Timeout(_)
            | Fault::HostBusy { .. }
            | Fault::Turn(_)) => fault.of(url),
            _ => Fault::RobotsUnreachable(Box::new(error)).of(url),
        })
    }

    async fn request(&self, url: &Url, purpose: Purpose, allowed: Duration) -> Result<Hop, Fault> {
        let fault = |error: reqwest::Error| Fault::from_client(&error, allowed);
        let response = self.client.get(url).header(ACCEPT, ACCEPTED).send().await.map_err(fault)?;
        let status = response.status().as_u16();
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            let location =
                response.headers().get(LOCATION).and_then(|location| std::str::from_utf8(location.as_bytes()).ok());
            let target = location.and_then(|location| url.join(location).ok());
            return target.map(|target| Hop::Redirect(status, target)).ok_or(Fault::BadRedirect(status));
        }
        if !response.status().is_success() {
            return Err(Fault::Status { status, retry_after: retry_after(response.headers(), self.clock.now()) });
        }
        let content_type =
            response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = match purpose {
            Purpose::Page => {
                if let Some(content_type) = content_type.as_deref().filter(|content_type| !is_text(content_type)) {
                    return Err(Fault::ContentType(content_type.chars().take(100).collect()));
                }
                let (body, complete) = read(response, self.settings.max_page_bytes).await.map_err(fault)?;
                if !complete {
                    return Err(Fault::TooLarge(self.settings.max_page_bytes));
                }
                body
            }
            Purpose::RobotsTxt => read(response, robots::MAX_BYTES).await.map_err(fault)?.0,
        };
        Ok(Hop::Answer(Answer { status, content_type, body }))
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Page,
    /// Not itself subject to robots.txt; cut rather than refused when too large.
    RobotsTxt,
}

/// What one request led to.
enum Hop {
    Answer(Answer),
    Redirect(u16, Url),
}

struct Answer {
    status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// Whether a content type is one that text can be read from.
fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty() || essence.starts_with("text/") || essence == "application/xml" || essence.ends_with("+xml")
}

/// The time that a page may take.
struct Budget {
    allowed: Duration,
    deadline: Instant,
}

impl Budget {
    fn new(allowed: Duration) -> Self {
        Self { allowed, deadline: Instant::now() + allowed }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Gives back the time that was spent waiting for others.
    fn extend(&mut self, waited: Duration) {
        self.deadline += waited;
    }

    async fn limit<F: Future>(&self, work: F) -> Result<F::Output, Fault> {
        tokio::time::timeout_at(self.deadline, work).await.map_err(|_| Fault::Timeout(self.allowed))
    }
}
