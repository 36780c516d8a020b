//! The manners of the credential queue (contracts/credential-queue.md): who may call, and how answers look.

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use identity::{Identity, KeyKind, KeyRecord};
use input::Fault;
use serde_json::{Value as Json, json};
use table::TableError;

use crate::bare::{dress, dressed};
use crate::body;
use crate::presented::presented_key;

/// Where callers present their keys.
pub(crate) const KEY_HEADER: &str = "X-Scraper-API-Key";
const API_KEY: HeaderName = HeaderName::from_static("x-scraper-api-key");

/// The schema of an error's body, for the document.
pub(crate) fn error_schema() -> Json {
    json!({
        "type": "object",
        "description": "What went wrong.",
        "required": ["error", "message"],
        "properties": {
            "error": {"type": "string", "description": "The kind of error."},
            "message": {"type": "string", "description": "What to do about it."},
            "lines": {
                "type": "array",
                "description": "Of an import: what is wrong with its lines, the first 50.",
                "items": {
                    "type": "object",
                    "required": ["line", "message"],
                    "properties": {"line": {"type": "integer"}, "message": {"type": "string"}},
                },
            },
        },
        "example": Error::unauthorized().body(),
    })
}

/// What may be answered other than what was asked for: a status, the kind of error, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Error {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// 400: something of the request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", message)
    }

    /// 400: there is no such platform.
    #[must_use]
    pub fn invalid_platform() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Invalid platform", "There is no such platform")
    }

    /// 401: no key, or none that works.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Missing or invalid API key")
    }

    /// 403: the key is no administrator's.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", "This needs an administrator's API key")
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", message)
    }

    /// 405: this method would do harm here. The header `Allow` is the caller's to add.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "See the header Allow")
    }

    /// 409: the state of the thing does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// 500: our fault. The cause is for the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", "Something went wrong on our side; try again")
    }

    fn body(&self) -> Json {
        json!({"error": self.kind, "message": self.message})
    }

    /// What is wrong, for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error that a bare status stands for, where a layer below gave no body of ours.
    fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::not_found("There is nothing at this path")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::method_not_allowed()),
            status if status.is_server_error() => Some(Self::internal()),
            _ => None,
        }
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::internal()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::invalid(format!("{} {}", fault.field, fault.message))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        dressed(self.status, self.body())
    }
}

/// The key of the scraper, or of the administrator, that is calling.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key's id.
    pub key_id: String,
    is_operator: bool,
}

/// An administrator that is calling.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The key's id.
    pub key_id: String,
}

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

/// A request's body: a JSON object of up to 1 MiB; an empty body is an empty object.
pub struct Body(pub Json);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        body::object(request, state).await.map(Self).map_err(Error::invalid)
    }
}

/// A request's body as text, of up to 1 MiB.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        body::text(request, state).await.map(Self).map_err(Error::invalid)
    }
}

/// Puts the gate before a router: every request to one of its routes is authenticated before anything else is said.
pub fn gated(router: Router, identity: Identity) -> Router {
    router
        .layer(from_fn_with_state(identity, admit))
        .layer(from_fn(|request, next| dress(Error::of_status, request, next)))
}

async fn admit(State(identity): State<Identity>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_some() {
        match authenticate(&identity, request.headers()).await {
            Ok(key) => {
                request.extensions_mut().insert(Caller { key_id: key.id, is_operator: key.is_operator });
            }
            Err(error) => return error.into_response(),
        }
    }
    next.run(request).await
}

async fn authenticate(identity: &Identity, headers: &HeaderMap) -> Result<KeyRecord, Error> {
    let presented = presented_key(headers, &API_KEY).ok_or_else(Error::unauthorized)?;
    let key = identity.find_key(&presented).await?;
    key.filter(|key| key.kind == KeyKind::Scraper || key.is_operator).ok_or_else(Error::unauthorized)
}
