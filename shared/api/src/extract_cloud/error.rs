//! The contract's errors: `{"error", "message", "details", "timestamp", "request_id"}`.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use input::Fault;
use serde::Serialize;
use serde_json::{Value as Json, json};
use table::TableError;
use thiserror::Error;

use crate::observe::OthersFault;

/// What may be answered other than what was asked for.
#[derive(Debug, Error)]
pub enum Error {
    /// 401: no key or session, or none that works.
    #[error("{0}")]
    Authentication(&'static str),
    /// 403: the key may not, or the plan has it not.
    #[error("{0}")]
    Authorization(String),
    /// 400: the fields that are at fault, with what is wrong.
    #[error("Request validation failed")]
    Validation(Vec<Detail>),
    /// 402: too few compute units left.
    #[error("Not enough compute units: {needed} needed, {available} available")]
    InsufficientCredits {
        /// What the request needs.
        needed: u64,
        /// What is left.
        available: i64,
    },
    /// 404: there is no such thing, or it is another's.
    #[error("{0}")]
    NotFound(&'static str),
    /// 405: the path knows other methods.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// 429: too many requests; try again in so many seconds.
    #[error("Rate limit exceeded; try again in {0} s")]
    RateLimited(u64),
    /// 502: a service that this one depends on. What it is called, and what is wrong with it.
    #[error("{0}")]
    Dependency(String),
    /// 500: our fault. The cause is logged and not told.
    #[error("Something went wrong on our side; try again")]
    Internal,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The field, as a path: `config.urls[0]`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The schema of an error's body, for the document.
pub(crate) fn error_schema() -> Json {
    let detail = json!({
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": {"type": "string", "description": "The field, as a path: `config.urls[0]`; empty for the whole."},
            "message": {"type": "string", "description": "What is wrong with it."},
        },
    });
    json!({
        "type": "object",
        "description": "What went wrong.",
        "required": ["error", "message", "details", "timestamp", "request_id"],
        "properties": {
            "error": {"type": "string", "enum": CODES, "description": "The kind of error."},
            "message": {"type": "string"},
            "details": {"type": "array", "items": detail, "description": "The fields at fault, if there are any."},
            "timestamp": {"type": "string", "format": "date-time"},
            "request_id": {"type": "string", "maxLength": 128},
        },
        "example": {
            "error": "validation_error",
            "message": "Request validation failed",
            "details": [{"field": "config.urls", "message": "must have at least one address"}],
            "timestamp": "2024-01-15T10:30:00Z",
            "request_id": "req_123456789",
        },
    })
}

/// Every kind of error.
const CODES: [&str; 8] = [
    "authentication_error",
    "authorization_error",
    "validation_error",
    "insufficient_credits",
    "resource_not_found",
    "method_not_allowed",
    "rate_limit_exceeded",
    "internal_server_error",
];

/// An error on its way out: its body is made where the request's id is known.
#[derive(Clone, Debug)]
pub(crate) struct Unrendered {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
}

impl Error {
    /// A request with one fault.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Validation(vec![Detail { field: field.into(), message: message.into() }])
    }

    const fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Authentication(_) => (StatusCode::UNAUTHORIZED, "authentication_error"),
            Self::Authorization(_) => (StatusCode::FORBIDDEN, "authorization_error"),
            Self::Validation(_) => (StatusCode::BAD_REQUEST, "validation_error"),
            Self::InsufficientCredits { .. } => (StatusCode::PAYMENT_REQUIRED, "insufficient_credits"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "resource_not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded"),
            Self::Dependency(_) => (StatusCode::BAD_GATEWAY, "internal_server_error"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error"),
        }
    }

    /// The error that a bare status stands for, where a layer below gave no body of ours.
    pub(crate) fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::NotFound("There is nothing at this path")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::MethodNotAllowed),
            status if status.is_server_error() => Some(Self::Internal),
            _ => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        vec![fault].into()
    }
}

impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Validation(faults.into_iter().map(|Fault { field, message }| Detail { field, message }).collect())
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::Internal
    }
}

impl From<Error> for Unrendered {
    fn from(error: Error) -> Self {
        let ((_, code), message) = (error.status_and_code(), error.to_string());
        let details = match error {
            Error::Validation(details) => details,
            _ => Vec::new(),
        };
        Self { code, message, details }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status_and_code().0.into_response();
        if let Self::RateLimited(seconds) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Dependency(_)) {
            response.extensions_mut().insert(OthersFault);
        }
        response.extensions_mut().insert(Unrendered::from(self));
        response
    }
}
