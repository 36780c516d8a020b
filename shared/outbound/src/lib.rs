//! Knows how services are called that the operator configures: over TLS as everywhere here, no redirect followed, no answer awaited for ever,
//! none read that is too long to be one. Knows nothing of what they say. Addresses of users are not for it: it judges none (`scraping` does).

mod fault;

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Request, redirect};
use table::cost::count_other_request;

pub use fault::Fault;

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that is not in use is kept.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// What is waited before the second try.
const PAUSE: Duration = Duration::from_millis(200);

/// A service's whole answer.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, of up to 1 MiB.
    pub body: Vec<u8>,
}

/// Sends requests to services. One per process: it keeps connections.
#[derive(Debug)]
pub struct Outbound {
    time_limit: Duration,
    /// Made when it is first needed: it reads the system's certificate store, which a cold start should not.
    client: OnceLock<Client>,
}

impl Outbound {
    /// A client of which one request may take `time_limit`, its second try included.
    #[must_use]
    pub const fn new(time_limit: Duration) -> Self {
        Self { time_limit, client: OnceLock::new() }
    }

    /// Sends a request; once more after a fault for which `again` holds.
    pub async fn send(&self, request: Request, again: impl Fn(&Fault) -> bool) -> Result<Reply, Fault> {
        let sent = self.send_up_to_twice(request, again);
        tokio::time::timeout(self.time_limit, sent).await.unwrap_or(Err(Fault::TimedOut(self.time_limit)))
    }

    async fn send_up_to_twice(&self, request: Request, again: impl Fn(&Fault) -> bool) -> Result<Reply, Fault> {
        let second = request.try_clone();
        match (self.send_once(request).await, second) {
            (Err(fault), Some(second)) if again(&fault) => {
                tracing::warn!(%fault, host = second.url().host_str(), "asking a service again");
                tokio::time::sleep(PAUSE).await;
                self.send_once(second).await
            }
            (told, _) => told,
        }
    }

    async fn send_once(&self, request: Request) -> Result<Reply, Fault> {
        count_other_request();
        let mut answer = self.client()?.execute(request).await.map_err(|error| fault::sorted(&error))?;
        let (status, headers, mut body) = (answer.status().as_u16(), answer.headers().clone(), Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|error| fault::sorted(&error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Fault::TooLarge(LARGEST_ANSWER));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }

    /// What makes requests, for [`Self::send`] to send.
    pub fn client(&self) -> Result<&Client, Fault> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Fails where the process has one installed already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("Drover/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            // What is asked for is small; an answer that unfolds to more than it was is none.
            .no_brotli()
            .no_deflate()
            .no_gzip()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build();
        let client = client.map_err(|error| {
            tracing::error!(%error, "the HTTP client cannot be set up");
            Fault::Unreachable
        })?;
        Ok(self.client.get_or_init(|| client))
    }
}
