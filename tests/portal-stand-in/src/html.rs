//! Pieces of pages, and answers.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// A text within a page.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\u{a0}', "&nbsp;")
}

/// Texts, each between these two.
pub(crate) fn between(before: &str, texts: &[String], after: &str) -> String {
    texts.iter().fold(String::new(), |html, text| html + before + &escape(text) + after)
}

/// A page in UTF-8.
pub(crate) fn page(html: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// A redirect as such portals make them: 302 after a form, too.
pub(crate) fn to(place: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, place.to_owned())]).into_response()
}

/// The same answer, with a cookie.
pub(crate) fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(value) = cookie.parse() {
        answer.headers_mut().append(SET_COOKIE, value);
    }
    answer
}

pub(crate) fn status(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "text/html")], "<h1>Runtime Error</h1>").into_response()
}

/// The cookie of this name that came.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get("cookie")?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
}

/// A field of a form that was posted.
pub(crate) fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}

/// A body that breaks off in the middle, and the connection with it.
pub(crate) fn cut(answer: Response) -> Response {
    let (mut head, _) = answer.into_parts();
    head.headers.remove("content-length");
    let pieces = [Ok("<html><body><table><tr><th>Half of a"), Err(std::io::Error::other("as planned"))];
    Response::from_parts(head, Body::from_stream(futures::stream::iter(pieces)))
}
