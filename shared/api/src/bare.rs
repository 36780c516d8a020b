//! Answers of the layers below an API's own handlers: a router's 404 and 405, a panic's 500. They are bare, and get a body in the API's form.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Marks an answer that has its body.
#[derive(Clone, Copy)]
struct Dressed;

/// An answer with a body of its API's form.
pub(crate) fn dressed(status: StatusCode, body: serde_json::Value) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    response.extensions_mut().insert(Dressed);
    response
}

/// Gives an answer that is bare the body of the error that its status stands for, if it stands for one. Its headers stay.
pub async fn dress<E: IntoResponse>(error_of: fn(StatusCode) -> Option<E>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<Dressed>().is_some() {
        return response;
    }
    let Some(error) = error_of(response.status()) else { return response };
    let mut dressed = error.into_response();
    std::mem::swap(dressed.headers_mut(), response.headers_mut());
    dressed.headers_mut().extend(response.headers_mut().drain().filter_map(|(name, value)| Some((name?, value))));
    dressed
}
