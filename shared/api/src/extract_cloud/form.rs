//! The form of every answer: errors with the contract's body, values in their envelope if one was asked for.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use table::Clock;
use telemetry::RequestId;

use super::body::{Unwrapped, write_json};
use super::error::{Error, Unrendered};

/// The media type by which a caller asks for the general envelope (RULINGS.md, "extract-cloud").
const ENVELOPE: &str = "application/vnd.drover.envelope+json";

/// Gives every answer the contract's form: errors their body, values their envelope if one was asked for.
pub(super) async fn dress(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::generate);
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let enveloped = accepted.is_some_and(|accept| accept.to_ascii_lowercase().contains(ENVELOPE));
    let mut response = next.run(request).await;

    let is_bare =
        response.extensions().get::<Unrendered>().is_none() && response.extensions().get::<Unwrapped>().is_none();
    if is_bare && let Some(error) = Error::of_status(response.status()) {
        response.extensions_mut().insert(Unrendered::from(error));
    }
    let timestamp = clock.now().to_string();
    if let Some(error) = response.extensions_mut().remove::<Unrendered>() {
        let body = json!({
            "error": error.code,
            "message": error.message,
            "details": error.details,
            "timestamp": timestamp,
            "request_id": id.as_str(),
        });
        return write_json(response, &body, "application/json");
    }
    match response.extensions_mut().remove::<Unwrapped>() {
        Some(Unwrapped(value)) if enveloped => {
            let body = json!({"data": value, "timestamp": timestamp, "request_id": id.as_str()});
            write_json(response, &body, ENVELOPE)
        }
        Some(Unwrapped(value)) => write_json(response, &value, "application/json"),
        None => response,
    }
}
