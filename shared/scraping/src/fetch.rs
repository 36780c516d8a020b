//! Fetches one page: guarded against addresses that are not public, bounded in time and size, polite to the site.

mod charset;
mod client;
mod cookies;
mod error;
mod patience;
mod resolver;
#[cfg(test)]
mod tests;
mod visit;

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use table::{Clock, Millis, Table};
use thiserror::Error;
use url::Url;

pub(crate) use self::client::CONNECT_TIMEOUT;
pub use self::client::{GuardedClient, Limits, Reply, literal_address, retry_after};
use self::client::{read, read_retry_after};
pub use self::error::{Fault, FetchError};
pub use self::patience::{Attempts, Budget, Retries};
pub(crate) use self::resolver::{Unresolved, resolve};
pub use self::visit::{Ask, Visit};
use crate::politeness::{HostGate, NoTurn};
use crate::robots::{self, RobotsCache, Rules};
use crate::settings::Settings;

/// How many redirects are followed.
pub const MAX_REDIRECTS: usize = 5;
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
    /// The time that the page may take, redirects included; waiting for the host's turn is not.
    pub timeout: Duration,
    /// How often it is tried again, and whether within that time.
    pub retries: Retries,
    /// Whether redirects are followed; if not, one is an error.
    pub follow_redirects: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), retries: Retries::default(), follow_redirects: true }
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
        let mut attempts = Attempts::new(options.timeout, options.retries);
        loop {
            match self.follow(&url, redirects, Purpose::Page, attempts.budget()).await {
                Ok((final_url, answer)) => return Ok(self.page(url, final_url, &answer)),
                Err(error) => attempts.pause_after(error).await?,
            }
        }
    }

    /// What the operator has decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
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
        self.admit(url, purpose, budget).await?;
        budget.limit(self.request(url, purpose, budget.allowed())).await.flatten().map_err(|fault| fault.of(url))
    }

    /// Whether a page may be asked for, as far as its URL tells.
    pub fn judge_url(&self, url: &Url) -> Result<(), FetchError> {
        self.client.check(url).map(drop).map_err(|fault| fault.of(url))
    }

    /// Waits until a page may be asked for, for whoever asks for it himself: its URL is one that may be fetched, the site's
    /// robots.txt allows it, and it is this request's turn at the host. The addresses of a host's name are judged by who connects.
    pub async fn admit_page(&self, url: &Url, budget: &mut Budget) -> Result<(), FetchError> {
        self.admit(url, Purpose::Page, budget).await
    }

    async fn admit(&self, url: &Url, purpose: Purpose, budget: &mut Budget) -> Result<(), FetchError> {
        let host = self.client.check(url).map_err(|fault| fault.of(url))?;
        let crawl_delay = match purpose {
            Purpose::Page | Purpose::Visit if self.settings.obey_robots => self.ask_robots(url, budget).await?,
            Purpose::Page | Purpose::Visit | Purpose::RobotsTxt => None,
        };
        let waited = self.gate.wait(&host, crawl_delay).await.map_err(|no_turn| match no_turn {
            NoTurn::Busy { max_wait } => Fault::HostBusy { host, max_wait }.of(url),
            NoTurn::Table(error) => Fault::Turn(error).of(url),
        })?;
        budget.extend(waited);
        Ok(())
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
        let response = send(self.client.request(Method::GET, url).header(ACCEPT, ACCEPTED), allowed).await?;
        self.read_answer(response, url, purpose, allowed).await
    }

    /// Reads what `url` answered, as far as its head says that there is something to read.
    async fn read_answer(
        &self,
        response: Response,
        url: &Url,
        purpose: Purpose,
        allowed: Duration,
    ) -> Result<Hop, Fault> {
        let fault = |error: reqwest::Error| Fault::from_client(&error, allowed);
        let status = response.status().as_u16();
        let text_of = |name: HeaderName| {
            response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if is_redirect(status) {
            let location =
                response.headers().get(LOCATION).and_then(|location| std::str::from_utf8(location.as_bytes()).ok());
            let target = location.and_then(|location| url.join(location).ok());
            return target.map(|target| Hop::Redirect(status, target)).ok_or(Fault::BadRedirect(status));
        }
        let (content_type, retry_after) = (text_of(CONTENT_TYPE), text_of(RETRY_AFTER));
        let type_that_matters = content_type.as_deref().filter(|content_type| match purpose {
            Purpose::Page => true,
            Purpose::Visit => !is_json(content_type),
            Purpose::RobotsTxt => false,
        });
        self.judge_answer(status, type_that_matters, retry_after.as_deref())?;
        let body = match purpose {
            Purpose::Page | Purpose::Visit => {
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

    /// Whether an answer has a page, by its head: its status, its Content-Type and its Retry-After.
    pub fn judge_answer(
        &self,
        status: u16,
        content_type: Option<&str>,
        retry_after: Option<&str>,
    ) -> Result<(), Fault> {
        if !(200..=299).contains(&status) {
            let retry_after = retry_after.and_then(|text| read_retry_after(text, self.clock.now()));
            return Err(Fault::Status { status, retry_after });
        }
        match content_type.filter(|content_type| !is_text(content_type)) {
            Some(content_type) => Err(Fault::ContentType(content_type.chars().take(100).collect())),
            None => Ok(()),
        }
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Page,
    /// A page, or data in JSON, for a visitor whom the site knows.
    Visit,
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

/// Sends a request, and gives the answer's head.
async fn send(request: RequestBuilder, allowed: Duration) -> Result<Response, Fault> {
    request.send().await.map_err(|error| Fault::from_client(&error, allowed))
}

/// Whether a status sends to another place.
#[must_use]
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Whether a content type is one that text can be read from.
fn is_text(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.is_empty() || essence.starts_with("text/") || essence == "application/xml" || essence.ends_with("+xml")
}

/// Whether a content type is JSON's.
fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || essence.ends_with("+json")
}

/// A content type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
