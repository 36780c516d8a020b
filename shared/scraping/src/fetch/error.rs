//! What may go wrong with a page, in words for the one who asked for it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use table::TableError;
use thiserror::Error;
use url::Url;

use crate::address::Refusal;
use crate::fetch::resolver::{NoPublicAddress, UnknownHost};

/// The most characters of a URL that a message repeats.
const SHOWN_URL_CHARS: usize = 300;

/// A page that could not be fetched. The message names the page and the reason, and nothing of this system.
#[derive(Debug, Error)]
#[error("{url} {fault}")]
pub struct FetchError {
    /// The page, without user name and password, shortened if very long.
    pub url: String,
    /// What went wrong.
    pub fault: Fault,
}

/// What went wrong with a page. Each message goes on after the page's URL.
#[derive(Debug, Error)]
pub enum Fault {
    /// The URL cannot be read.
    #[error("is not a valid URL: {0}")]
    InvalidUrl(url::ParseError),
    /// The URL's scheme is not one that is fetched.
    #[error("was refused: only http and https are fetched, not {0}")]
    Scheme(String),
    /// The URL carries a user name or a password.
    #[error("was refused: a URL must not carry a user name or password")]
    UserInfo,
    /// The URL's host is an address that is not public.
    #[error("was refused: {0}")]
    Address(Refusal),
    /// The URL's host is a name of addresses that are not public.
    #[error("was refused: {host} resolves to {}, which is {}", refusal.address, refusal.kind)]
    ResolvedAddress {
        /// The name.
        host: String,
        /// The first of its addresses.
        refusal: Refusal,
    },
    /// The host's name has no address, or none was told.
    #[error("could not be reached: the host name {0} could not be resolved")]
    UnknownHost(String),
    /// No connection came about.
    #[error("could not be reached: {0}")]
    Connect(&'static str),
    /// A proxy on the way did not take the connection to where it should go.
    #[error("could not be reached through the proxy: {0}")]
    Proxy(&'static str),
    /// The connection cannot be trusted.
    #[error("could not be reached securely: {0}")]
    Tls(String),
    /// The page took longer than its limit.
    #[error("took longer than {} seconds", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection broke off, or the answer was not HTTP.
    #[error("could not be read: the connection broke before the answer was complete")]
    Interrupted,
    /// The answer's compression is broken.
    #[error("could not be read: its compressed content is damaged")]
    Undecodable,
    /// The answer was not a success.
    #[error("answered with status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long the server asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer was a redirect that was not to be followed.
    #[error("answered with status {0}, a redirect, and following redirects is switched off")]
    RedirectNotFollowed(u16),
    /// A redirect led to something that cannot be fetched.
    #[error("redirected: {0}")]
    Redirected(Box<FetchError>),
    /// The answer was a redirect to nowhere.
    #[error("answered with status {0}, a redirect, but not with a valid place to go")]
    BadRedirect(u16),
    /// One redirect followed another.
    #[error("redirected more than {0} times")]
    TooManyRedirects(usize),
    /// The page is too large.
    #[error("is larger than {0} bytes")]
    TooLarge(usize),
    /// The page is at another site than the one that is visited.
    #[error("was not fetched: who is signed in at {0} stays there")]
    LeftSite(String),
    /// The content is not a text.
    #[error("is not a page of text: its content type is {0}")]
    ContentType(String),
    /// The site's robots.txt forbids it.
    #[error("was not fetched: the site's robots.txt disallows it")]
    RobotsDisallowed,
    /// The site's robots.txt is out of order, which forbids everything (RFC 9309, section 2.3.1.4).
    #[error("was not fetched: it is not known whether the site allows it: {0}")]
    RobotsUnreachable(Box<FetchError>),
    /// Too many others wait for the same host.
    #[error("was not fetched: too many requests wait for {host} already; the longest wait is {} seconds", max_wait.as_secs())]
    HostBusy {
        /// The host and port.
        host: String,
        /// The longest wait.
        max_wait: Duration,
    },
    /// The host's turn could not be reserved.
    #[error("was not fetched: its host's turn could not be reserved")]
    Turn(#[source] TableError),
}

impl Fault {
    /// The fault with its page. User name and password are left out of the message.
    #[must_use]
    pub fn of(self, url: &Url) -> FetchError {
        let mut shown = url.clone();
        // Fails for URLs that cannot have either.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        self.of_text(shown.as_str())
    }

    /// The fault with a page whose URL is not valid.
    #[must_use]
    pub fn of_text(self, url: &str) -> FetchError {
        let mut shown: String =
            url.chars().take(SHOWN_URL_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if shown.len() < url.len() {
            shown.push('…');
        }
        FetchError { url: shown, fault: self }
    }

    /// Sorts the HTTP client's errors, which name internals, into ours.
    pub(crate) fn from_client(error: &reqwest::Error, allowed: Duration) -> Self {
        if let Some(NoPublicAddress { host, refusal }) = find(error) {
            return Self::ResolvedAddress { host: host.clone(), refusal: *refusal };
        }
        if let Some(UnknownHost { host }) = find(error) {
            return Self::UnknownHost(host.clone());
        }
        if let Some(reason) = find::<rustls::Error>(error) {
            return Self::Tls(reason.to_string());
        }
        if error.is_connect() {
            let kind = if error.is_timeout() { Some(io::ErrorKind::TimedOut) } else { None };
            return Self::connecting(find::<io::Error>(error).map(io::Error::kind).or(kind));
        }
        if error.is_timeout() {
            return Self::Timeout(allowed);
        }
        // The client calls a body that breaks off undecodable, too; only the decompressors speak of invalid data.
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Self::Undecodable,
            _ => Self::Interrupted,
        }
    }

    /// No connection came about, for a reason of this kind.
    pub(crate) fn connecting(kind: Option<io::ErrorKind>) -> Self {
        Self::Connect(match kind {
            Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => "there is no way to the host",
            Some(io::ErrorKind::TimedOut) => "connecting took too long",
            _ => "the connection failed",
        })
    }

    fn is_worth_retrying(&self) -> bool {
        match self {
            Self::UnknownHost(_) | Self::Connect(_) | Self::Proxy(_) | Self::Interrupted => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Redirected(error) | Self::RobotsUnreachable(error) => error.fault.is_worth_retrying(),
            _ => false,
        }
    }
}

impl FetchError {
    /// Whether the same page may be fetched some time later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.fault {
            Fault::Timeout(_) | Fault::HostBusy { .. } => true,
            Fault::Turn(error) => error.is_transient(),
            Fault::Redirected(error) | Fault::RobotsUnreachable(error) => error.is_transient(),
            fault => fault.is_worth_retrying(),
        }
    }

    /// Whether the server failed, by its own account (a 5xx).
    #[must_use]
    pub fn is_of_the_server(&self) -> bool {
        match &self.fault {
            Fault::Status { status, .. } => *status >= 500,
            Fault::Redirected(error) | Fault::RobotsUnreachable(error) => error.is_of_the_server(),
            _ => false,
        }
    }

    /// Whether to try again at once. Not where the page's time is used up, or a turn at the host is hard to get.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        self.fault.is_worth_retrying()
    }

    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match &self.fault {
            Fault::Status { retry_after, .. } => *retry_after,
            Fault::Redirected(error) | Fault::RobotsUnreachable(error) => error.retry_after(),
            _ => None,
        }
    }
}

/// The first error of this type among an error and its causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an I/O error wraps is not among its causes; only that one's causes are.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}
