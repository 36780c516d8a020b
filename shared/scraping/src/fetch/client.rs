//! The HTTP client for addresses that strangers have named: it connects to public ones only, follows no redirect and tries nothing twice.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use table::Millis;
use url::{Host, Url};

use super::SetUpError;
use super::error::Fault;
use super::resolver::GuardedResolver;
use crate::address::AddressPolicy;
use crate::settings::Settings;

/// How long connecting may take, of a request's time.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is not in use is kept.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// Makes requests of strangers. One per process: it keeps connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    client: Client,
    addresses: AddressPolicy,
}

/// What one exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time from the first byte sent to the last one read.
    pub time: Duration,
    /// How many bytes of the answer are read, decompressed; the rest is left.
    pub bytes: usize,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl GuardedClient {
    /// A client with the operator's rules and name.
    pub fn new(settings: &Settings) -> Result<Self, SetUpError> {
        // Fails where the process has one installed already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user_agent = HeaderValue::from_str(&settings.user_agent()).map_err(|_| SetUpError::Contact)?;
        let client = Client::builder()
            .user_agent(user_agent)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .dns_resolver(GuardedResolver::new(settings.addresses.clone()))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build()?;
        Ok(Self { client, addresses: settings.addresses.clone() })
    }

    /// Whether a URL may be asked, by what it says itself; gives its host and port. Host names are judged by the resolver, but the HTTP
    /// client does not ask it about addresses.
    pub(super) fn check(&self, url: &Url) -> Result<String, Fault> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Fault::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Fault::InvalidUrl(url::ParseError::EmptyHost));
        };
        if let Some(address) = literal_address(url) {
            self.addresses.check(address).map_err(Fault::Address)?;
        }
        Ok(format!("{host}:{port}"))
    }

    /// A request of a URL that has been checked.
    pub(super) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.client.request(method, url.clone())
    }

    /// Posts a body, and gives what is answered; a redirect is an answer like any other. Nothing is tried again.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String, limits: Limits) -> Result<Reply, Fault> {
        let url: Url = url.parse().map_err(Fault::InvalidUrl)?;
        self.check(&url)?;
        let fault = |error: reqwest::Error| Fault::from_client(&error, limits.time);
        let exchange = async {
            let response = self.client.post(url).headers(headers).body(body).send().await.map_err(fault)?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let (body, _) = read(response, limits.bytes).await.map_err(fault)?;
            Ok(Reply { status, headers, body })
        };
        tokio::time::timeout(limits.time, exchange).await.map_err(|_| Fault::Timeout(limits.time))?
    }
}

/// The address and port of a URL whose host is an address, however it is spelt; none of a host's name.
#[must_use]
pub fn literal_address(url: &Url) -> Option<SocketAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(_) => return None,
    };
    Some(SocketAddr::new(address, url.port_or_known_default()?))
}

/// How long a server asks to be left alone: Retry-After, as seconds or as a date.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    read_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// How long a server asks to be left alone, by the value of its Retry-After.
pub(super) fn read_retry_after(text: &str, now: Millis) -> Option<Duration> {
    let text = text.trim();
    let date = || {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let moment = u64::try_from(moment.as_millisecond()).ok()?;
        Some(now.until(Millis(moment)))
    };
    text.parse().map(Duration::from_secs).ok().or_else(date)
}

/// Reads a body as it comes, decompressed, and stops at `limit` bytes; says whether that was all of it.
pub(super) async fn read(mut response: Response, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}
