//! The manners of the video jobs (contracts/video-jobs.md): who may call, how often, and how answers look.

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use identity::{Identity, KeyKind, KeyRecord};
use input::Fault;
use serde::Serialize;
use serde_json::{Value as Json, json};
use table::aws::{SettingError, setting};
use table::{Clock, Table, TableError};
use uuid::Uuid;

use crate::bare::{dress, dressed};
use crate::body;
use crate::path;
use crate::presented::presented_key;
use crate::token_bucket::{Bucket, Taken, Tokens};

/// Where callers present their keys.
pub(crate) const KEY_HEADER: &str = "X-API-Key";
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The longest name of a video that a path may have, in bytes.
pub const LONGEST_VIDEO_ID: usize = 200;

/// The schema of an error's body, for the document.
pub(crate) fn error_schema() -> Json {
    json!({
        "type": "object",
        "description": "What went wrong.",
        "required": ["detail"],
        "properties": {"detail": {"type": "string"}},
        "example": {"detail": "Job not found"},
    })
}

/// The schema of the body that tells what is wrong with a request.
pub(crate) fn invalid_schema() -> Json {
    let place = json!({
        "type": "array",
        "description": "Where: `body` or `query`, and the names and numbers that lead to it.",
        "items": {"type": ["string", "integer"]},
    });
    let fault = json!({
        "type": "object",
        "required": ["loc", "msg", "type"],
        "properties": {
            "loc": place,
            "msg": {"type": "string", "description": "What is wrong, and what would be right."},
            "type": {"type": "string", "description": "What kind of fault it is."},
        },
    });
    json!({
        "type": "object",
        "description": "What is wrong with a request, thing by thing.",
        "required": ["detail"],
        "properties": {"detail": {"type": "array", "items": fault}},
        "example": {"detail": [detail("body", Fault::new("mode", "is required"))]},
    })
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Where: `body`, `query` or `path`, and the names and numbers that lead to it.
    pub loc: Vec<Json>,
    /// What is wrong, and what would be right.
    pub msg: String,
    /// What kind of fault it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// What may be answered other than what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A status, and what is to be said.
    Told(StatusCode, String),
    /// 422: what is wrong with the request, thing by thing.
    Invalid(Vec<Detail>),
}

impl Error {
    /// 400: a request that is well formed and cannot be done.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::Told(StatusCode::BAD_REQUEST, detail.into())
    }

    /// 401: no key, or none that works.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::Told(StatusCode::UNAUTHORIZED, "Missing or invalid API key: send one as X-API-Key".to_owned())
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::Told(StatusCode::NOT_FOUND, detail.into())
    }

    /// 429: too many requests.
    #[must_use]
    pub fn rate_limited() -> Self {
        Self::Told(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded; wait as long as Retry-After says".to_owned())
    }

    /// 500: our fault. The cause is for the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::Told(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error".to_owned())
    }

    /// 422: these parts of the body are wrong.
    #[must_use]
    pub fn body(faults: Vec<Fault>) -> Self {
        Self::Invalid(faults.into_iter().map(|fault| detail("body", fault)).collect())
    }

    /// 422: this parameter of the query is wrong.
    #[must_use]
    pub fn query(fault: Fault) -> Self {
        Self::Invalid(vec![detail("query", fault)])
    }

    /// The status that it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Told(status, _) => *status,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// The error that a bare status stands for, where a layer below gave no body of ours.
    fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::not_found("Not Found")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::Told(status, "Method Not Allowed".to_owned())),
            status if status.is_server_error() => Some(Self::internal()),
            _ => None,
        }
    }
}

/// A fault with where it is, and its kind.
fn detail(place: &str, fault: Fault) -> Detail {
    let Fault { field, message } = fault;
    let mut loc = vec![json!(place)];
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        let number = part.strip_suffix(']').and_then(|number| number.parse::<u64>().ok());
        loc.push(number.map_or_else(|| json!(part), |number| json!(number)));
    }
    let (msg, kind) = match message.as_str() {
        "is required" => ("field required".to_owned(), "value_error.missing"),
        _ if message.starts_with("invalid type") || message.starts_with("must be a JSON object") => {
            (message, "type_error")
        }
        _ if message.starts_with("invalid value") => (message, "type_error"),
        _ if message.starts_with("unknown variant") || message.starts_with("must be one of") => {
            (message, "type_error.enum")
        }
        _ if message.contains("not JSON") => (message, "value_error.jsondecode"),
        _ => (message, "value_error"),
    };
    Detail { loc, msg, kind }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::internal()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Told(status, detail) => dressed(status, json!({"detail": detail})),
            Self::Invalid(details) => dressed(StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": details})),
        }
    }
}

/// Whose key is calling.
#[derive(Clone, Debug)]
pub struct Tenant(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(Error::unauthorized)
    }
}

/// The id in a path. What is no UUID names nothing: a 404.
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let id = path::id(parts, state).await;
        id.map(Self).ok_or_else(|| Error::not_found("Resource not found"))
    }
}

/// What a platform calls a video, in a path.
pub struct VideoId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for VideoId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().map(|path| path.0).filter(|id| (1..=LONGEST_VIDEO_ID).contains(&id.len()));
        id.map(Self).ok_or_else(|| Error::not_found("Video not found"))
    }
}

/// A request's body: a JSON object of up to 1 MiB; an empty body is an empty object.
pub struct Body(pub Json);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let wrong = |message: String| {
            let message = message.strip_prefix("the body ").unwrap_or(&message);
            Error::body(vec![Fault::new("", message)])
        };
        body::object(request, state).await.map(Self).map_err(wrong)
    }
}

/// What the gate asks.
#[derive(Clone, Debug)]
pub struct Gate {
    identity: Identity,
    tokens: Tokens,
}

impl Gate {
    /// Keys in the table that `IDENTITY_TABLE` names, each with a bucket of `RATE_LIMIT_BURST` in the one that `LIMITS_TABLE` names, into which
    /// `RATE_LIMIT_REQUESTS_PER_MINUTE` flow.
    pub fn from_environment(
        table: impl Fn(&'static str) -> Result<Table, SettingError>,
        clock: &Clock,
    ) -> Result<Self, SettingError> {
        let number = |name| {
            let value = setting(name)?;
            value.parse().ok().filter(|number| *number > 0).ok_or(SettingError::Unusable(name, value))
        };
        let bucket =
            Bucket { burst: number("RATE_LIMIT_BURST")?, per_minute: number("RATE_LIMIT_REQUESTS_PER_MINUTE")? };
        Ok(Self {
            identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            tokens: Tokens::new(table("LIMITS_TABLE")?, clock.clone(), bucket),
        })
    }

    /// Whose key these headers carry, with a token of its bucket taken: for what comes in otherwise than by a router.
    pub async fn tenant_of(&self, headers: &HeaderMap) -> Result<Tenant, Error> {
        let key = self.authenticate(headers).await?;
        match self.take_token(&key).await {
            Some(taken) if !taken.allowed => Err(Error::rate_limited()),
            _ => Ok(Tenant(key.user_id)),
        }
    }

    /// Takes a token from a key's bucket. A bucket that fails lets requests pass: a lost count is better than a lost service.
    async fn take_token(&self, key: &KeyRecord) -> Option<Taken> {
        let taken = self.tokens.take(&format!("VIDEO#{}", key.id)).await;
        taken.inspect_err(|error| tracing::warn!(%error, "the request was not counted")).ok()
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<KeyRecord, Error> {
        let presented = presented_key(headers, &API_KEY).ok_or_else(Error::unauthorized)?;
        let key = self.identity.find_key(&presented).await?;
        key.filter(|key| key.kind == KeyKind::Video || key.is_operator).ok_or_else(Error::unauthorized)
    }
}

/// Puts the gate before a router: every request to one of its routes is authenticated, and takes a token from its key's bucket, before anything
/// else is said.
pub fn gated(router: Router, gate: Gate) -> Router {
    router.layer(from_fn_with_state(gate, admit)).layer(from_fn(|request, next| dress(Error::of_status, request, next)))
}

async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    // What is at no path needs no key to be told so.
    if request.extensions().get::<MatchedPath>().is_none() {
        return next.run(request).await;
    }
    let key = match gate.authenticate(request.headers()).await {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    let taken = gate.take_token(&key).await;
    let mut response = match taken {
        Some(taken) if !taken.allowed => Error::rate_limited().into_response(),
        _ => {
            request.extensions_mut().insert(Tenant(key.user_id));
            next.run(request).await
        }
    };
    if let Some(taken) = taken {
        show(taken, response.headers_mut());
    }
    response
}

fn show(taken: Taken, headers: &mut HeaderMap) {
    headers.insert("x-ratelimit-limit", taken.limit.into());
    headers.insert("x-ratelimit-remaining", taken.remaining.into());
    headers.insert("x-ratelimit-reset", taken.reset_at.into());
    if !taken.allowed {
        headers.insert(header::RETRY_AFTER, taken.retry_after.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_as_the_contract_has_them() {
        for (fault, told) in [
            (
                Fault::new("mode", "is required"),
                json!({"loc": ["body", "mode"], "msg": "field required", "type": "value_error.missing"}),
            ),
            (
                Fault::new("items[3].name", "must not be empty"),
                json!({"loc": ["body", "items", 3, "name"], "msg": "must not be empty", "type": "value_error"}),
            ),
            (
                Fault::new("mode", "unknown variant `x`"),
                json!({"loc": ["body", "mode"], "msg": "unknown variant `x`", "type": "type_error.enum"}),
            ),
            (
                Fault::new("limit", "invalid type: string \"a\""),
                json!({"loc": ["body", "limit"], "msg": "invalid type: string \"a\"", "type": "type_error"}),
            ),
            (
                Fault::new("", "is not JSON: x"),
                json!({"loc": ["body"], "msg": "is not JSON: x", "type": "value_error.jsondecode"}),
            ),
        ] {
            assert_eq!(json!(detail("body", fault)), told);
        }
    }
}
