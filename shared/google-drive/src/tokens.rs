//! Access tokens: one at a time for the whole process, asked for shortly before the last one ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outbound::Outbound;
use parameters::Parameters;
use reqwest::{Method, Request};
use serde::Deserialize;
use table::{Clock, Millis};
use tokio::sync::Mutex;

use crate::account::ServiceAccount;
use crate::fault::Fault;

/// As the parameter of the key is called.
const PARAMETER: &str = "service-account";
/// How long before its end a token is no longer used: longer than any one request takes.
const MARGIN: Duration = Duration::from_mins(2);

/// Where the service account's key comes from.
#[derive(Clone)]
pub enum Credentials {
    /// The parameter `service-account` of this folder: the key file in Base64. Read again after Google has refused it.
    Parameter(Parameters),
    /// This account.
    Given(Arc<ServiceAccount>),
}

/// What opens Drive for an hour. It has neither `Debug` nor `Serialize`.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

struct Held {
    token: Token,
    ends_at: Millis,
}

/// The access token of the process.
pub(crate) struct Tokens {
    outbound: Arc<Outbound>,
    credentials: Credentials,
    clock: Clock,
    held: Mutex<Option<Held>>,
}

/// RFC 6749, 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Tokens {
    pub(crate) fn new(outbound: Arc<Outbound>, credentials: Credentials, clock: Clock) -> Self {
        Self { outbound, credentials, clock, held: Mutex::default() }
    }

    /// The token. Of all who need a new one at once, one asks.
    pub(crate) async fn current(&self) -> Result<Token, Fault> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(held) = held.as_ref().filter(|held| now.after(MARGIN) < held.ends_at) {
            return Ok(held.token.clone());
        }
        let granted = self.ask(now).await?;
        let token = Token(Arc::from(granted.access_token));
        *held = Some(Held { token: token.clone(), ends_at: now.after(Duration::from_secs(granted.expires_in)) });
        Ok(token)
    }

    /// Lets go of a token that Drive has refused, unless another has come since.
    pub(crate) async fn drop_refused(&self, refused: &Token) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.token.0, &refused.0)) {
            *held = None;
        }
    }

    async fn ask(&self, now: Millis) -> Result<Granted, Fault> {
        let account = self.account().await?;
        let request = request_for(&account, now)?;
        let reply = self.outbound.send(request, outbound::Fault::is_of_transport).await?;
        match Fault::of_token_answer(reply.status, &reply.headers) {
            None => serde_json::from_slice(&reply.body).map_err(|_| Fault::Garbled),
            Some(fault) => {
                if fault == Fault::Unauthorised
                    && let Credentials::Parameter(parameters) = &self.credentials
                {
                    // By the next request the operator may have set another.
                    parameters.forget_refused(PARAMETER);
                }
                Err(fault)
            }
        }
    }

    async fn account(&self) -> Result<Arc<ServiceAccount>, Fault> {
        match &self.credentials {
            Credentials::Given(account) => Ok(Arc::clone(account)),
            Credentials::Parameter(parameters) => {
                let value = parameters.get(PARAMETER).await?;
                ServiceAccount::parse(value.reveal()).map(Arc::new).map_err(|error| {
                    tracing::error!(%error, "the service account's key cannot be used");
                    parameters.forget_refused(PARAMETER);
                    Fault::Key
                })
            }
        }
    }
}

fn request_for(account: &ServiceAccount, now: Millis) -> Result<Request, Fault> {
    let assertion = account.assertion(now).map_err(|error| {
        tracing::error!(%error, "the service account's key cannot be used");
        Fault::Key
    })?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let mut request = Request::new(Method::POST, account.token_uri().clone());
    let media_type = reqwest::header::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(reqwest::header::CONTENT_TYPE, media_type);
    *request.body_mut() = Some(Bytes::from(form).into());
    Ok(request)
}
