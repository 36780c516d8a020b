//! Answers, whole, and checked against what the contract says of every one of them.

use anyhow::{Context, ensure};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value as Json;
use table::Millis;

use crate::leaks;

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads a response to its end.
    pub async fn of(response: Response) -> anyhow::Result<Self> {
        let (path, status) = (response.url().path().to_owned(), response.status().as_u16());
        let headers = response.headers().clone();
        Self::whole(&path, status, headers, response.bytes().await?.to_vec())
    }

    /// What was answered to a request of `path`; it must tell no secret.
    pub fn whole(path: &str, status: u16, headers: HeaderMap, body: Vec<u8>) -> anyhow::Result<Self> {
        leaks::check(path, status, &body)?;
        Ok(Self { status, headers, body })
    }

    /// A header's text, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header's whole number.
    pub fn number(&self, name: &str) -> anyhow::Result<u64> {
        let value = self.header(name).with_context(|| format!("no header {name}: {self:?}"))?;
        value.parse().with_context(|| format!("{name}: {value} is no number"))
    }

    /// The body as text.
    pub fn text(&self) -> anyhow::Result<&str> {
        std::str::from_utf8(&self.body).context("the body is not UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<Json> {
        let text = self.text()?;
        serde_json::from_str(text).with_context(|| format!("{}: the body is not JSON: {text}", self.status))
    }

    /// The message of the contract's error body, which this must be with this status and code:
    /// `{"error", "message", "details": [{"field", "message"}], "timestamp", "request_id"}`.
    pub fn error(&self, status: u16, code: &str) -> anyhow::Result<String> {
        let body = self.json()?;
        ensure!(self.status == status && body["error"] == code, "expected {status} {code}: {} {body}", self.status);
        ensure!(self.header("content-type") == Some("application/json"), "not JSON by its header: {self:?}");
        let fields: Vec<_> = body.as_object().context("not an object")?.keys().map(String::as_str).collect();
        ensure!(fields == ["error", "message", "details", "timestamp", "request_id"], "other fields: {body}");
        let message = body["message"].as_str().filter(|message| !message.is_empty()).context("no message")?;
        let timestamp = body["timestamp"].as_str().context("no timestamp")?;
        ensure!(is_timestamp(timestamp), "another form of time: {timestamp}");
        let id = self.header("x-request-id").context("no X-Request-Id")?;
        ensure!(body["request_id"] == id, "two request ids: {id} and {body}");
        let details = body["details"].as_array().context("no details")?;
        ensure!(details.is_empty() == (code != "validation_error"), "details belong to validation errors: {body}");
        for detail in details {
            let fields: Vec<_> = detail.as_object().context("not an object")?.keys().map(String::as_str).collect();
            ensure!(fields == ["field", "message"] && detail["field"].is_string(), "another form of detail: {body}");
            ensure!(detail["message"].as_str().is_some_and(|message| !message.is_empty()), "nothing told: {body}");
        }
        Ok(message.to_owned())
    }

    /// The fields that the details of a validation error name.
    pub fn invalid_fields(&self) -> anyhow::Result<Vec<String>> {
        self.error(400, "validation_error")?;
        let body = self.json()?;
        let details = body["details"].as_array().into_iter().flatten();
        Ok(details.filter_map(|detail| Some(detail["field"].as_str()?.to_owned())).collect())
    }
}

/// Whether this is a time as the rulings want it: `2024-01-15T10:30:00Z`.
#[must_use]
pub fn is_timestamp(text: &str) -> bool {
    text.len() == "2024-01-15T10:30:00Z".len() && text.ends_with('Z') && Millis::parse(text).is_some()
}
