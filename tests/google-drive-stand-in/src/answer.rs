//! Answers as Drive gives them.

use std::convert::Infallible;
use std::io;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Bytes;
use serde_json::{Map, Value as Json, json};

use crate::plan::Trouble;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        let headers = vec![("content-type", "application/json; charset=UTF-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A refusal as Google's APIs tell it.
    pub(crate) fn refused(status: u16, reason: &str, message: &str) -> Self {
        let cause = json!({"message": message, "domain": "global", "reason": reason});
        Self::json(status, &json!({"error": {"code": status, "message": message, "errors": [cause]}}))
    }

    pub(crate) fn not_found(id: &str) -> Self {
        Self::refused(404, "notFound", &format!("File not found: {id}."))
    }

    /// The refusal that a test has asked for, if it is one.
    pub(crate) fn of_trouble(trouble: &Trouble) -> Option<Self> {
        let Trouble::Refused { status, reason, retry_after } = trouble else { return None };
        let mut answer = Self::refused(*status, reason, "As planned.");
        answer.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        Some(answer)
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn into_response(self) -> anyhow::Result<Response<Body>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = Full::new(Bytes::from(self.body)).map_err(|never: Infallible| match never {});
        Ok(response.body(body.boxed())?)
    }
}

/// What `fields` asks for of a file: names, or `*`.
pub(crate) fn partial(whole: &Json, fields: &str) -> Result<Json, Answer> {
    if fields == "*" {
        return Ok(whole.clone());
    }
    let mut part = Map::new();
    for field in fields.split(',') {
        if !FIELDS.contains(&field) {
            return Err(Answer::refused(400, "invalidParameter", &format!("Invalid field selection {field}")));
        }
        if let Some(value) = whole.get(field) {
            part.insert(field.to_owned(), value.clone());
        }
    }
    Ok(Json::Object(part))
}

/// What can be told of a file.
const FIELDS: [&str; 10] =
    ["kind", "id", "name", "mimeType", "parents", "trashed", "size", "md5Checksum", "appProperties", "createdTime"];
