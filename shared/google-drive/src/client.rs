//! The client: one request with a token, and the same again while that may help.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outbound::{Outbound, Reply};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use serde::de::DeserializeOwned;
use table::Clock;
use url::Url;

use crate::chunk::BLOCK;
use crate::fault::Fault;
use crate::patience::Patience;
use crate::tokens::{Credentials, Token, Tokens};

/// How Drive is called.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The base URL of the API, as `https://www.googleapis.com`.
    pub address: String,
    /// How many blocks of 256 KiB are sent in one request of an upload: as much of a file as is in memory. From 1 to 1,024.
    pub chunk_blocks: u16,
    /// How often a request is made before its fault is told: as often without anything going forward, of an upload.
    pub tries: u32,
    /// The longest pause after the first failure; after each further one it is twice as long, up to 32 seconds.
    pub backoff: Duration,
    /// How long a call may take, with all its repetitions.
    pub call_limit: Duration,
    /// How long an upload may take, with all its requests.
    pub upload_limit: Duration,
}

impl Settings {
    /// The usual ones: 8 MiB a request, seven tries, a minute and a half for a call, ten minutes for an upload.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self {
            address: address.trim_end_matches('/').to_owned(),
            chunk_blocks: 32,
            tries: 7,
            backoff: Duration::from_secs(1),
            call_limit: Duration::from_secs(90),
            upload_limit: Duration::from_mins(10),
        }
    }

    pub(crate) fn chunk(&self) -> u64 {
        u64::from(self.chunk_blocks.clamp(1, 1_024)) * BLOCK
    }
}

/// Google Drive, as one service account sees it. Clones share connections and the access token.
#[derive(Clone)]
pub struct Drive {
    outbound: Arc<Outbound>,
    tokens: Arc<Tokens>,
    settings: Arc<Settings>,
}

/// A request as it can be made again and again.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Drive {
    /// Drive as `credentials` open it. How long one request may take is `outbound`'s: a chunk must pass in it.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, credentials: Credentials, settings: Settings, clock: Clock) -> Self {
        let tokens = Arc::new(Tokens::new(Arc::clone(&outbound), credentials, clock));
        Self { outbound, tokens, settings: Arc::new(settings) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// An address of the API's, with its parameters.
    pub(crate) fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, Fault> {
        let parsed = Url::parse_with_params(&format!("{}{path}", self.settings.address), parameters);
        parsed.map_err(|_| outbound::Fault::Unreachable.into())
    }

    /// Makes a call until it is answered, and gives the answer, which may be a 308 or a 409.
    pub(crate) async fn call(&self, call: &Call) -> Result<Reply, Fault> {
        let limit = self.settings.call_limit;
        let mut patience = Patience::new(&self.settings, limit);
        let answered = async {
            loop {
                match self.call_once(call).await {
                    Err(fault) => patience.pause_after(fault).await?,
                    told => return told,
                }
            }
        };
        tokio::time::timeout(limit, answered).await.unwrap_or(Err(Fault::OutOfTime(limit)))
    }

    /// Makes a call once; once more with another token if Drive did not take the first.
    pub(crate) async fn call_once(&self, call: &Call) -> Result<Reply, Fault> {
        let token = self.tokens.current().await?;
        match self.ask(call, &token).await {
            Err(Fault::Unauthorised) => {
                self.tokens.drop_refused(&token).await;
                let token = self.tokens.current().await?;
                let told = self.ask(call, &token).await;
                if told.as_ref().is_err_and(|fault| *fault == Fault::Unauthorised) {
                    self.tokens.drop_refused(&token).await;
                }
                told
            }
            told => told,
        }
    }

    async fn ask(&self, call: &Call, token: &Token) -> Result<Reply, Fault> {
        let mut request = Request::new(call.method.clone(), call.url.clone());
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
        let mut bearer = bearer.map_err(|_| Fault::Garbled)?;
        bearer.set_sensitive(true);
        *request.headers_mut() = call.headers.clone();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        *request.body_mut() = Some(call.body.clone().into());
        // Whether and when to try again is decided here, not there.
        let reply = self.outbound.send(request, |_| false).await?;
        match Fault::of_answer(reply.status, &reply.headers, &reply.body) {
            Some(fault) => Err(fault),
            None => Ok(reply),
        }
    }
}

impl Call {
    /// A question.
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A call with a body.
    pub(crate) fn with_body(method: Method, url: Url, media_type: &str, body: impl Into<Bytes>) -> Result<Self, Fault> {
        Self { method, url, headers: HeaderMap::new(), body: body.into() }.header("content-type", media_type)
    }

    /// The same with one header more.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self, Fault> {
        let value = HeaderValue::from_str(value).map_err(|_| Fault::Refused(400))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }
}

/// What an answer says.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Fault> {
    serde_json::from_slice(&reply.body).map_err(|_| Fault::Garbled)
}
