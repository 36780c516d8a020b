//! `/api/scraper-credentials/queue/…`: what scrapers do.

use std::time::Duration;

use api::query::Parameters;
use api::scraper_credentials::{Body, Caller, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use credentials::{Grant, Holder, Report, ReportError, Reported, Secret};
use serde_json::{Value as Json, json};

use crate::App;
use crate::input::{self, Name, Number};

/// The shortest lease, in seconds (RULINGS.md, "credential-queue").
const SHORTEST_LEASE: u64 = 30;
/// The longest lease, in seconds.
const LONGEST_LEASE: u64 = 43_200;
/// The longest cooldown that a scraper may ask for, in minutes.
const LONGEST_COOLDOWN: u64 = 43_200;
/// The longest message of a report, in characters.
const LONGEST_MESSAGE: usize = 2_000;
/// The longest session id, in characters.
const LONGEST_SESSION: usize = 200;

/// `GET /{platform}/next`: claims a credential; 204 if none is free.
pub(crate) async fn next(
    State(app): State<App>,
    caller: Caller,
    Name(platform): Name,
    given: Parameters,
) -> Result<Response, Error> {
    let session = given.text("session_id", LONGEST_SESSION)?;
    let lease = given.number("lease_seconds", SHORTEST_LEASE, LONGEST_LEASE)?.map(Duration::from_secs);
    let platform = app.credentials.platform(&platform).await?.ok_or_else(Error::invalid_platform)?;
    match app.credentials.next(&platform, &caller.key_id, session, lease).await {
        Ok(Some(grant)) => Ok(granted(grant)),
        Ok(None) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error) => {
            tracing::error!(%error, "no credential was given out");
            Err(Error::internal())
        }
    }
}

/// `HEAD /{platform}/next`: refused. It would claim a credential that its caller never sees.
pub(crate) async fn no_next() -> Response {
    ([(ALLOW, "GET")], Error::method_not_allowed()).into_response()
}

fn granted(grant: Grant) -> Response {
    let Grant { credential, secret, token, expires_at } = grant;
    let mut body = json!({"id": credential.id, "platform": credential.pool, "name": credential.name});
    match secret {
        Secret::EmailPassword { email, password } => {
            body["email"] = email.into();
            body["password"] = password.into();
        }
        Secret::Credentials { credentials } => body["credentials"] = credentials.into(),
    }
    body["lease_token"] = token.into();
    body["lease_expires_at"] = expires_at.to_string().into();
    let headers = lease_headers(token, &expires_at.to_string());
    (headers, [(CACHE_CONTROL, "no-store")], Answer(body)).into_response()
}

fn lease_headers(token: u64, expires_at: &str) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(HeaderName::from_static("x-lease-token"), HeaderValue::from(token))]);
    if let Ok(expires_at) = HeaderValue::from_str(expires_at) {
        headers.insert(HeaderName::from_static("x-lease-expires-at"), expires_at);
    }
    headers
}

/// `POST /{id}/success`: it worked.
pub(crate) async fn success(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let message = input::text(&body, "message", LONGEST_MESSAGE)?.map(str::to_owned);
    let reported = app.report(&caller, id, &headers, Report::Success { message }).await?;
    Ok(Answer(json!({"message": "Credential released successfully", "status": reported.status})))
}

/// `POST /{id}/failure`: it did not work.
pub(crate) async fn failure(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let error = input::needed(&body, "error_message", LONGEST_MESSAGE)?.to_owned();
    let cooldown_minutes = input::number(&body, "cooldown_minutes", 0, LONGEST_COOLDOWN)?.unwrap_or(0);
    let reported = app.report(&caller, id, &headers, Report::Failure { error, cooldown_minutes }).await?;
    Ok(Answer(json!({
        "message": "Credential failure recorded",
        "status": reported.status,
        "failure_count": reported.failure_count,
        "consecutive_failures": reported.consecutive_failures,
        "cooldown_until": reported.cooldown_until.map(|moment| moment.to_string()),
    })))
}

/// `POST /{id}/release`: it was not used.
pub(crate) async fn release(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
) -> Result<Answer<Json>, Error> {
    let reported = app.report(&caller, id, &headers, Report::Release).await?;
    Ok(Answer(json!({"message": "Credential released", "status": reported.status})))
}

/// `POST /{id}/heartbeat`: keeps it for `lease_seconds` from now (in the body or the query), or the platform's time.
pub(crate) async fn heartbeat(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    given: Parameters,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Error> {
    let in_body = input::number(&body, "lease_seconds", SHORTEST_LEASE, LONGEST_LEASE)?;
    let asked = in_body.or(given.number("lease_seconds", SHORTEST_LEASE, LONGEST_LEASE)?);
    let token = input::lease_token(&headers)?;
    let duration = asked.map(Duration::from_secs);
    let (token, end) = app.credentials.keep(id.0, holder(token, &caller), duration).await.map_err(refused)?;
    let end = end.to_string();
    let body = json!({"message": "Lease renewed", "status": "in_use", "lease_token": token, "lease_expires_at": end});
    Ok((lease_headers(token, &end), Answer(body)).into_response())
}

impl App {
    async fn report(
        &self,
        caller: &Caller,
        id: Number,
        headers: &HeaderMap,
        report: Report,
    ) -> Result<Reported, Error> {
        let token = input::lease_token(headers)?;
        self.credentials.report(id.0, holder(token, caller), &caller.key_id, &report).await.map_err(refused)
    }
}

/// By its token if the request has one, else by the key that calls.
fn holder(token: Option<u64>, caller: &Caller) -> Holder<'_> {
    token.map_or(Holder::Owner(&caller.key_id), Holder::Token)
}

fn refused(error: ReportError) -> Error {
    match error {
        ReportError::Missing => Error::not_found("Credential not found"),
        ReportError::NotHeld => Error::conflict("You do not hold this credential (any more); nothing was changed"),
        ReportError::Table(error) => error.into(),
    }
}
