//! The manners of the credential queue (contracts/credential-queue.md): who may call, and how answers look.

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::TableError;

use crate::identity::{Identity, KeyKind, KeyRecord};

const API_KEY: HeaderName = HeaderName::from_static("x-scraper-api-key");

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

/// Marks an answer that has its body.
#[derive(Clone, Copy)]
struct Dressed;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = json!({"error": self.kind, "message": self.message});
        let mut response = (self.status, axum::Json(body)).into_response();
        response.extensions_mut().insert(Dressed);
        response
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
        let Text(text) = Text::from_request(request, state).await?;
        if text.trim().is_empty() {
            return Ok(Self(json!({})));
        }
        let json: Json =
            serde_json::from_str(&text).map_err(|error| Error::invalid(format!("The body is not JSON: {error}")))?;
        if json.is_object() { Ok(Self(json)) } else { Err(Error::invalid("The body must be a JSON object")) }
    }
}

/// A request's body as text, of up to 1 MiB.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| Error::invalid("The body could not be read; it may have at most 1 MiB"))?;
        // API Gateway puts the replacement character in the place of what is no UTF-8, before a function sees it.
        let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains(char::REPLACEMENT_CHARACTER));
        text.map(Self).ok_or_else(|| Error::invalid("The body is not UTF-8"))
    }
}

/// Puts the gate before a router: every request to one of its routes is authenticated before anything else is said.
pub fn gated(router: Router, identity: Identity) -> Router {
    router.layer(from_fn_with_state(identity, admit)).layer(axum::middleware::from_fn(dress))
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
    let presented = headers.get(API_KEY).and_then(|key| key.to_str().ok()).ok_or_else(Error::unauthorized)?;
    let plausible = (8..=128).contains(&presented.len()) && presented.bytes().all(|byte| byte.is_ascii_graphic());
    if !plausible {
        return Err(Error::unauthorized());
    }
    let key = identity.find_key(&ApiKey::presented(presented)).await?;
    key.filter(|key| key.kind == KeyKind::Scraper || key.is_operator).ok_or_else(Error::unauthorized)
}

/// Gives bare answers of the layers below the contract's body.
async fn dress(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<Dressed>().is_some() {
        return response;
    }
    let Some(error) = Error::of_status(response.status()) else { return response };
    let mut dressed = error.into_response();
    std::mem::swap(dressed.headers_mut(), response.headers_mut());
    dressed.headers_mut().extend(response.headers_mut().drain().filter_map(|(name, value)| Some((name?, value))));
    dressed
}
