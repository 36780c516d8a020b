//! The manners of the worker API (contracts/worker-api.md): who may call, how often, and how answers look.

mod records;

pub use records::{LONGEST_CURSOR, page};

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use identity::{Identity, KeyKind, KeyRecord};
use input::{Fault, schema};
use serde_json::{Value as Json, json};
use table::TableError;

use crate::bare::{dress, dressed};
use crate::body;
use crate::presented::presented_key;
use crate::rate_limit::{Decision, RateLimit, RateLimiter};
use crate::source::source_address;

/// Where callers present their tokens.
pub(crate) const TOKEN_HEADER: &str = "X-API-Token";
const API_TOKEN: HeaderName = HeaderName::from_static("x-api-token");
const WORKER_ID: HeaderName = HeaderName::from_static("x-worker-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest idempotency key, in characters.
pub const LONGEST_IDEMPOTENCY_KEY: usize = 255;
/// The longest name of a worker, in characters.
pub const LONGEST_WORKER_ID: usize = 100;

input::parameters! {
    /// The worker that calls.
    pub WorkerHeader {
        header "X-Worker-ID" "The worker that calls; empty, it names none." => schema::pattern(0, LONGEST_WORKER_ID, r"^[\t -~]*$"),
    }
}

input::parameters! {
    /// By what a worker says which of its locks it means.
    pub LeaseHeader {
        header "X-Lease-Token" "The fencing token that came with the lock." => schema::digits(),
    }
}

input::parameters! {
    /// By what a request that comes again is known.
    pub IdempotencyHeader {
        header "Idempotency-Key" "A name for this request: sent again with it, it changes nothing and is answered alike." =>
            schema::visible::<LONGEST_IDEMPOTENCY_KEY>(),
    }
}

input::parameters! {
    /// The number of a path.
    pub IdPath {
        path "id" "Its number." => schema::number(),
    }
}

input::parameters! {
    /// A page of a listing.
    pub PageQuery {
        query "limit" "How many; 50 unless given." => crate::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => schema::text::<0, LONGEST_CURSOR>(),
    }
}

/// The schema of an error's body, for the document.
pub(crate) fn error_schema() -> Json {
    json!({
        "type": "object",
        "description": "What went wrong.",
        "required": ["error"],
        "properties": {
            "error": {"type": "string", "description": "What went wrong, in a sentence."},
            "errors": {
                "type": "object",
                "description": "The fields at fault, if there are any, each with what is wrong with it.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "example": Error::from(Fault::new("url", "is required")).body(),
    })
}

const MINUTE: Duration = Duration::from_mins(1);
/// Task endpoints: 120 a minute.
pub const TASKS: RateLimit = RateLimit { scope: "worker-tasks", requests: 120, window: MINUTE };
/// LLM and captcha endpoints: 30 a minute.
pub const SERVICES: RateLimit = RateLimit { scope: "worker-services", requests: 30, window: MINUTE };
/// Everything else: 60 a minute.
pub const OTHERS: RateLimit = RateLimit { scope: "worker", requests: 60, window: MINUTE };

/// What may be answered other than what was asked for: a status, a message, and the fields that are at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: StatusCode,
    message: String,
    fields: BTreeMap<String, Vec<String>>,
}

impl Error {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), fields: BTreeMap::new() }
    }

    /// 400: the request, or the state of the thing, does not allow it.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no token, or none that works.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized: a valid X-API-Token is needed")
    }

    /// 403: the token is no administrator's.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This needs an administrator's token")
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 429: too many requests.
    #[must_use]
    pub fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests; wait as long as Retry-After says")
    }

    /// 500: our fault, or that of a service behind us. The cause is for the log.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The error that a bare status stands for, where a layer below gave no body of ours.
    fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::not_found("There is nothing at this path")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::new(status, "Method not allowed; see the header Allow")),
            status if status.is_server_error() => Some(Self::broken()),
            _ => None,
        }
    }

    fn broken() -> Self {
        Self::internal("Something went wrong on our side; try again")
    }

    /// The body: `errors` only where fields are at fault.
    #[must_use]
    pub fn body(&self) -> Json {
        let mut body = json!({"error": self.message});
        if !self.fields.is_empty() {
            body["errors"] = json!(self.fields);
        }
        body
    }
}

/// 400: fields are at fault.
impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        let mut error = Self::bad_request("Validation failed");
        for fault in faults {
            // The body as a whole is no field.
            if fault.field.is_empty() {
                error.message = format!("The body {}", fault.message);
            } else {
                error.fields.entry(fault.field).or_default().push(fault.message);
            }
        }
        error
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::broken()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        dressed(self.status, self.body())
    }
}

/// The token that is calling.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The token's id.
    pub key_id: String,
    is_operator: bool,
}

/// An administrator's token that is calling.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The token's id.
    pub key_id: String,
}

/// The worker that `X-Worker-ID` names, if it does.
#[derive(Clone, Debug)]
pub struct WorkerId(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(Error::unauthorized)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Administrator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.is_operator { Ok(Self { key_id: caller.key_id }) } else { Err(Error::forbidden()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WorkerId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(given) = parts.headers.get(WORKER_ID) else { return Ok(Self(None)) };
        let name = given.to_str().ok().map(str::trim).filter(|name| name.len() <= LONGEST_WORKER_ID);
        let wrong =
            || Error::bad_request(format!("X-Worker-ID must be up to {LONGEST_WORKER_ID} printable ASCII characters"));
        let name = name.ok_or_else(wrong)?;
        // An empty one counts as not sent.
        Ok(Self((!name.is_empty()).then(|| name.to_owned())))
    }
}

/// What a request says of its being sent again: `Idempotency-Key`, which is of its caller and path.
#[derive(Clone, Debug)]
pub struct Idempotent {
    given: Option<String>,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let path = parts.uri.path().to_owned();
        let Some(given) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(Self { given: None, path }) };
        let fits = |key: &&str| {
            (1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = given.to_str().ok().filter(fits);
        let wrong = || {
            Error::bad_request(format!(
                "Idempotency-Key must be 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters"
            ))
        };
        Ok(Self { given: Some(key.ok_or_else(wrong)?.to_owned()), path })
    }
}

/// A number in a path. What is no positive integer names nothing: a 404.
pub struct Number(pub u64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        // Only digits: "+5", "5.0" and "05" would be other names of the same thing.
        let number = path.ok().and_then(|path| path.parse().ok().filter(|number: &u64| number.to_string() == path.0));
        number.filter(|number| *number > 0).map(Self).ok_or_else(|| Error::not_found("There is nothing with this id"))
    }
}

/// A request's body: a JSON object of up to 1 MiB; an empty body is an empty object.
pub struct Body(pub Json);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        body::object(request, state).await.map(Self).map_err(Error::bad_request)
    }
}

/// What the gate asks.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Whose tokens are whose.
    pub identity: Identity,
    /// What counts requests.
    pub limiter: RateLimiter,
    /// How often one address may call.
    pub limit: RateLimit,
}

/// Puts the gate before a router: every request is counted by the address it came from, and then authenticated, before anything else is
/// said.
pub fn gated(router: Router, gate: Gate) -> Router {
    router.layer(from_fn_with_state(gate, admit)).layer(from_fn(|request, next| dress(Error::of_status, request, next)))
}

async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let subject = format!("IP#{}", source_address(&request));
    let (decision, key) = tokio::join!(gate.limiter.admit(&subject, gate.limit), gate.authenticate(request.headers()));
    let mut response = match key {
        _ if !decision.allowed => Error::rate_limited().into_response(),
        Ok(key) => {
            request.extensions_mut().insert(Caller { key_id: key.id, is_operator: key.is_operator });
            next.run(request).await
        }
        // What is at no path needs no token to be told so.
        Err(_) if request.extensions().get::<MatchedPath>().is_none() => next.run(request).await,
        Err(error) => error.into_response(),
    };
    show(decision, response.headers_mut());
    response
}

impl Gate {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<KeyRecord, Error> {
        let presented = presented_key(headers, &API_TOKEN).ok_or_else(Error::unauthorized)?;
        let key = self.identity.find_key(&presented).await?;
        key.filter(|key| key.kind == KeyKind::Worker || key.is_operator).ok_or_else(Error::unauthorized)
    }
}

fn show(decision: Decision, headers: &mut HeaderMap) {
    headers.insert("x-ratelimit-limit", decision.limit.into());
    headers.insert("x-ratelimit-remaining", decision.remaining.into());
    if !decision.allowed {
        headers.insert(header::RETRY_AFTER, decision.retry_after.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_by_field_and_the_whole_body_as_the_message() {
        let error =
            Error::from(vec![Fault::new("url", "is needed"), Fault::new("url", "is odd"), Fault::new("type", "no")]);
        let body = json!({"error": "Validation failed", "errors": {"type": ["no"], "url": ["is needed", "is odd"]}});
        assert_eq!(error.body(), body);
        let error = Error::from(Fault::new("", "must be a JSON object"));
        assert_eq!(error.body(), json!({"error": "The body must be a JSON object"}));
    }
}
