//! What may be answered other than what was asked for.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use input::Fault;
use portals::{DeleteError, LogInError};
use serde_json::{Value as Json, json};
use table::TableError;

use crate::bare::dressed;

/// What may be answered other than what was asked for: a status, and what is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: StatusCode,
    detail: String,
    /// After how many seconds to try again.
    retry_after: Option<u64>,
}

/// The schema of an error's body, for the document.
pub(crate) fn error_schema() -> Json {
    json!({
        "type": "object",
        "description": "What went wrong.",
        "required": ["detail"],
        "properties": {"detail": {"type": "string", "description": "What went wrong, in a sentence."}},
        "example": Error::unauthorized().body(),
    })
}

impl Error {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// 400: something of the request is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no token, or none that is good.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid token")
    }

    /// 401: no such user, or another password; which, is not said.
    #[must_use]
    pub fn wrong_password() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Incorrect username or password")
    }

    /// 403: the key is no administrator's.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "This needs an administrator's key")
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 404: the caller has no account of this address at this portal.
    #[must_use]
    pub fn invalid_email() -> Self {
        Self::not_found("Invalid user email.")
    }

    /// 409: the state of the thing does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 429: too many requests; there may be another after so many seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u64) -> Self {
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts; wait as long as Retry-After says");
        Self { retry_after: Some(retry_after.max(1)), ..error }
    }

    /// 500: our fault. The cause is for the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    }

    /// The error that a bare status stands for, where a layer below gave no body of ours.
    pub(super) fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::NOT_FOUND => Some(Self::not_found("Not Found")),
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::new(status, "Method Not Allowed")),
            status if status.is_server_error() => Some(Self::internal()),
            _ => None,
        }
    }

    fn body(&self) -> Json {
        json!({"detail": self.detail})
    }
}

impl From<Fault> for Error {
    fn from(Fault { field, message }: Fault) -> Self {
        let what = if field.is_empty() { "The body" } else { &field };
        Self::bad_request(format!("{what} {message}"))
    }
}

/// 400: all that is wrong, in one sentence.
impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        let told: Vec<_> = faults.into_iter().map(|fault| Self::from(fault).detail).collect();
        Self::bad_request(told.join("; "))
    }
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        tracing::error!(%error, "a table failed");
        Self::internal()
    }
}

impl From<DeleteError> for Error {
    fn from(error: DeleteError) -> Self {
        tracing::error!(%error, "a job was not deleted");
        Self::internal()
    }
}

impl From<LogInError> for Error {
    fn from(error: LogInError) -> Self {
        tracing::error!(%error, "tokens cannot be made or judged");
        Self::internal()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = dressed(self.status, self.body());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_in_one_sentence() {
        let error = Error::from(vec![Fault::new("email", "is required"), Fault::new("", "must be a JSON object")]);
        assert_eq!(error.body(), json!({"detail": "email is required; The body must be a JSON object"}));
        assert_eq!(error.status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn who_must_wait_or_log_in_is_told_by_a_header() {
        let header = |error: Error, name| error.into_response().headers().get(name).cloned();
        assert_eq!(header(Error::rate_limited(0), header::RETRY_AFTER), Some(HeaderValue::from_static("1")));
        assert_eq!(header(Error::unauthorized(), header::WWW_AUTHENTICATE), Some(HeaderValue::from_static("Bearer")));
        assert_eq!(header(Error::internal(), header::RETRY_AFTER), None);
    }
}
