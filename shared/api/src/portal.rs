//! The manners of the portal jobs (contracts/portal-jobs.md): who may call, and how answers look.

mod error;
mod gate;

pub use error::Error;
pub(crate) use error::error_schema;
pub use gate::{Administrator, Gate, User, gated};

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::query::Parameters;
use crate::{body, path};

/// The id of a job, in a path. What is none names nothing: a 404.
pub struct JobId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for JobId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        path::id(parts, state).await.map(Self).ok_or_else(|| Error::not_found("Job not found"))
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

/// A request's body: a form, of up to 1 MiB (`application/x-www-form-urlencoded`, or `multipart/form-data`, as a browser's `FormData` is sent).
pub struct Form(pub Parameters);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let boundary = body::boundary(request.headers());
        let text = body::text(request, state).await.map_err(Error::bad_request)?;
        Ok(Self(match boundary {
            Some(boundary) => Parameters::of_parts(body::parts(text, boundary).await.map_err(Error::bad_request)?),
            None => Parameters::of_form(&text),
        }))
    }
}
