//! JSON bodies, in and out.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lambda_http::http;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::error::Error;
use crate::{body, path};

/// A request's body: any JSON, of up to 1 MiB. What it must hold is its endpoint's business.
pub struct Body(pub Json);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        body::json(request, state).await.map(Self).map_err(|fault| Error::invalid("", fault))
    }
}

/// A request's body as it came, as text of up to 1 MiB: for what is signed as a whole.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        body::text(request, state).await.map(Self).map_err(|fault| Error::invalid("", fault))
    }
}

/// The id in a path. One that is no UUID names nothing: a 404.
pub struct Path(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        path::id(parts, state).await.map(Self).ok_or(Error::NotFound("There is nothing with this id"))
    }
}

/// A JSON answer. It can be wrapped in the general envelope on its way out (see the guard), so it is kept as a value until then.
pub struct Reply<T>(pub StatusCode, pub T);

/// The value of a [`Reply`], on its way out.
#[derive(Clone)]
pub(crate) struct Unwrapped(pub(crate) Json);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        match serde_json::to_value(self.1) {
            Ok(value) => {
                let mut response = self.0.into_response();
                response.extensions_mut().insert(Unwrapped(value));
                response
            }
            Err(error) => {
                tracing::error!(%error, "an answer is not JSON");
                Error::Internal.into_response()
            }
        }
    }
}

/// Writes a value as the body of a response.
pub(crate) fn write_json(response: Response, value: &Json, media_type: &'static str) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    http::Response::from_parts(parts, axum::body::Body::from(value.to_string()))
}
