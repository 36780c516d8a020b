//! Request bodies, before any API's manners: what is wrong with one is a sentence, for the API to put into its own form.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures::stream;
use multer::Multipart;
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

/// What stands between the parts of a body that is sent in parts (`multipart/form-data`).
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

/// The parts of a body, each with its name.
pub(crate) async fn parts(body: String, boundary: String) -> Result<Vec<(String, String)>, String> {
    let told = |error: multer::Error| format!("the body is no form in parts: {error}");
    let mut body = Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    let mut parts = Vec::new();
    while let Some(part) = body.next_field().await.map_err(told)? {
        let name = part.name().unwrap_or_default().to_owned();
        parts.push((name, part.text().await.map_err(told)?));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_form_in_parts_is_read_as_browsers_send_it() {
        let mut headers = HeaderMap::new();
        assert_eq!(boundary(&headers), None);
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        assert_eq!(boundary(&headers), None);
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=----x1".parse().unwrap());
        let between = boundary(&headers).unwrap();
        let body = "------x1\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\n\u{e9}t\u{e9}\r\n\
                    ------x1\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\na b\r\nc\r\n------x1--\r\n";
        let told = parts(body.to_owned(), between.clone()).await.unwrap();
        let expected = [("username", "\u{e9}t\u{e9}"), ("password", "a b\r\nc")];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for broken in ["", "------x1", "------x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"] {
            let fault = parts(broken.to_owned(), between.clone()).await.unwrap_err();
            assert!(fault.starts_with("the body is no form in parts: "), "{fault}");
        }
    }
}
