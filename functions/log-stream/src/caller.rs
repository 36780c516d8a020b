//! Who is calling. To be what `api::portal` says, as soon as that is there: its `gated` takes the place of [`admit`], its `User` that of [`Caller`], and
//! its `Error` that of this one. Until then a session of ours stands for a user, whose tenant is their own.

use api::identity::Identity;
use axum::Json;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use identity::Sessions;
use input::Fault;
use serde_json::json;
use table::TableError;

/// A user who is calling.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose jobs are theirs.
    pub(crate) tenant: String,
}

impl Caller {
    /// The partition that the tenant's jobs lie in.
    pub(crate) fn group(&self) -> String {
        format!("TENANT#{}", self.tenant)
    }
}

/// What judges tokens.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) sessions: Sessions,
    pub(crate) identity: Identity,
}

/// What may be answered other than what was asked for: `{"detail"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

impl Error {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn rate_limited(seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many streams were opened") }
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    }

    fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid token")
    }

    pub(crate) fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::not_found("Not Found")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::new(status, "Method Not Allowed")),
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
        Self::new(StatusCode::BAD_REQUEST, format!("{} {}", fault.field, fault.message))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({"detail": self.detail}))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl Gate {
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = presented.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let session = self.sessions.verify(token.ok_or_else(Error::invalid_token)?).await.map_err(|error| {
            tracing::error!(%error, "tokens cannot be judged");
            Error::internal()
        })?;
        let user = self.identity.owner_of(&session.ok_or_else(Error::invalid_token)?).await?;
        Ok(Caller { tenant: user.ok_or_else(Error::invalid_token)?.id })
    }
}

/// Lets only those pass who may call.
pub(crate) async fn admit(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_none() {
        return next.run(request).await;
    }
    match gate.caller(request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(Error::invalid_token)
    }
}
