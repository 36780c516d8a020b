//! Request bodies, before any API's manners: what is wrong with one is a sentence, for the API to put into its own form.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde_json::Value as Json;

/// A body as text, of up to 1 MiB.
pub(crate) async fn text<S: Send + Sync>(request: Request, state: &S) -> Result<String, String> {
    let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(inner) if inner.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            "the body must have at most 1 MiB".to_owned()
        }
        _ => "the body could not be read".to_owned(),
    })?;
    // API Gateway puts the replacement character in the place of what is no UTF-8, before a function sees it.
    let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains(char::REPLACEMENT_CHARACTER));
    text.ok_or_else(|| "the body is not UTF-8".to_owned())
}

/// A body as JSON.
pub(crate) async fn json<S: Send + Sync>(request: Request, state: &S) -> Result<Json, String> {
    let text = text(request, state).await?;
    serde_json::from_str(&text).map_err(|error| format!("the body is not JSON: {error}"))
}

/// A body as a JSON object; an empty one is an empty object.
pub(crate) async fn object<S: Send + Sync>(request: Request, state: &S) -> Result<Json, String> {
    let text = text(request, state).await?;
    if text.trim().is_empty() {
        return Ok(Json::Object(serde_json::Map::new()));
    }
    let json: Json = serde_json::from_str(&text).map_err(|error| format!("the body is not JSON: {error}"))?;
    if json.is_object() { Ok(json) } else { Err("the body must be a JSON object".to_owned()) }
}
