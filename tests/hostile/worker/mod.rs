//! Hostile requests to the worker API: each gets the contract's error body, with the limits of its scope, and nothing changes.

mod records;
mod services;
mod tasks;

use anyhow::{Context, ensure};
use drover_tests::raw::RawRequest;
use drover_tests::user::any_loopback_address;
use drover_tests::worker::Worker;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value as Json;

use super::{AT_ONCE, METHODS};

/// A hostile request, and with what it must be refused.
struct Attack {
    name: String,
    request: RawRequest,
    status: u16,
}

impl Attack {
    fn new(by: &Worker, method: &str, path: &str, body: impl Into<Vec<u8>>, status: u16) -> Self {
        let body = body.into();
        let shown: String = String::from_utf8_lossy(&body).chars().take(120).collect();
        let name = format!("{method} {path:.120} {shown}");
        let request = RawRequest::new(method, &format!("/api{path}"))
            .header("X-API-Token", by.token.as_bytes())
            .header("X-Worker-ID", by.name.as_bytes())
            .header("Content-Type", "application/json")
            .body(body);
        Self { name, request, status }
    }

    /// The same request with another header in the place of one of its own.
    fn instead_of(mut self, header: &str, name: &str, value: &str) -> Self {
        self.request.headers.retain(|(own, _)| own != header);
        self.request = self.request.header(name, value);
        // What may be a token is not for the terminal.
        self.name = format!("{} with {name}: {value:.8}", self.name);
        self
    }

    /// A request with what is no token of this API, though this one is.
    fn without_token(by: &Worker, method: &str, path: &str, token: &str) -> Vec<Self> {
        [
            ("X-API-Token", "sk_test_x"),
            ("X-API-Token", "' OR '1'='1"),
            ("X-API-Token", "\u{e9}"),
            ("Authorization", token),
            ("X-Scraper-API-Key", token),
        ]
        .map(|(name, value)| Self::new(by, method, path, "", 401).instead_of("X-API-Token", name, value))
        .into()
    }

    fn json(by: &Worker, method: &str, path: &str, body: &Json) -> Self {
        Self::new(by, method, path, body.to_string(), 400)
    }

    fn get(by: &Worker, path: &str, status: u16) -> Self {
        Self::new(by, "GET", path, "", status)
    }

    /// What is wrong with the answer, if anything: each attack comes from an address of its own, which nothing has been counted of.
    async fn strike(&self, url: &str, limit: u64) -> anyhow::Result<Option<String>> {
        let answer = self.request.send(url, any_loopback_address()).await.with_context(|| self.name.clone())?;
        let verdict = || {
            if answer.status == 403 && !METHODS.contains(&self.request.method.as_str()) {
                // API Gateway's own answer.
                return Ok(());
            }
            ensure!(answer.number("x-ratelimit-limit")? == limit, "another limit: {answer:?}");
            // Told field by field, or as a whole.
            answer.worker_error(self.status).map(|_| ()).or_else(|error| match self.status {
                400 => answer.worker_faults().map(|_| ()),
                _ => Err(error),
            })
        };
        Ok(verdict().err().map(|error| format!("  {}: {error:#}", self.name)))
    }
}

/// Strikes with all of them; fails where one is not refused as it must be.
async fn withstand(url: &str, limit: u64, attacks: &[Attack]) -> anyhow::Result<()> {
    let strikes = attacks.iter().map(|attack| attack.strike(url, limit));
    let faults: Vec<Option<String>> = stream::iter(strikes).buffer_unordered(AT_ONCE).try_collect().await?;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    ensure!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), attacks.len(), faults.join("\n"));
    Ok(())
}

/// A body with one of its values changed, for each of these.
fn changed(body: &Json, wrong: &[(&str, Vec<Json>)]) -> Vec<Json> {
    let with = |(field, values): &(&str, Vec<Json>)| {
        let change = |value: &Json| {
            let mut body = body.clone();
            body[*field] = value.clone();
            body
        };
        values.iter().map(change).collect::<Vec<_>>()
    };
    wrong.iter().flat_map(with).collect()
}
