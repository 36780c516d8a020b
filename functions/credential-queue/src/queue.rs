//! `/api/scraper-credentials/queue/…`: what scrapers do.

use std::time::Duration;

use ::input::schema::{moment, text, whole, words};
use api::query::Parameters;
use api::scraper_credentials::{Body, Caller, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use credentials::{Grant, Holder, Report, ReportError, Reported, Secret, Status};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::input::{self, CredentialPath, LeaseToken, Name, Number, PlatformPath};

/// The shortest lease, in seconds (RULINGS.md, "credential-queue").
pub(crate) const SHORTEST_LEASE: u64 = 30;
/// The longest lease, in seconds.
pub(crate) const LONGEST_LEASE: u64 = 43_200;
/// The longest cooldown that a scraper may ask for, in minutes.
const LONGEST_COOLDOWN: u64 = 43_200;
/// The longest message of a report, in characters.
const LONGEST_MESSAGE: usize = 2_000;
/// The longest session id, in characters.
const LONGEST_SESSION: usize = 200;

::input::parameters! {
    /// What `next` takes.
    pub(crate) NextQuery {
        query "session_id" "The scraper's session, for tracking." => text::<0, LONGEST_SESSION>(),
        query "lease_seconds" "How long the claim lasts; as long as the platform says unless given." =>
            whole::<SHORTEST_LEASE, LONGEST_LEASE>(),
    }
}

::input::parameters! {
    /// What `heartbeat` takes besides its body.
    pub(crate) LeaseQuery {
        query "lease_seconds" "How long the lease lasts from now; what the body says goes before." =>
            whole::<SHORTEST_LEASE, LONGEST_LEASE>(),
    }
}

::input::body! {
    /// What is said of a success.
    pub(crate) SuccessBody needs [] {
        "message" "What was done with the credential." => text::<0, LONGEST_MESSAGE>(),
    } example {"message": "Scraped 50 jobs successfully"}
}

::input::body! {
    /// What is said of a failure.
    pub(crate) FailureBody needs ["error_message"] {
        "error_message" "What went wrong." => words::<LONGEST_MESSAGE>(),
        "cooldown_minutes" "If more than 0, the credential rests instead of being failed for good." =>
            whole::<0, LONGEST_COOLDOWN>(),
    } example {"error_message": "Login failed: Invalid credentials", "cooldown_minutes": 0}
}

::input::body! {
    /// How long a lease is wanted for.
    pub(crate) HeartbeatBody needs [] {
        "lease_seconds" "How long the lease lasts from now; as long as the platform says unless given." =>
            whole::<SHORTEST_LEASE, LONGEST_LEASE>(),
    } example {"lease_seconds": 900}
}

/// A credential, and the lease that its scraper has of it. The secret is as its platform wants it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "platform": "linkedin", "name": "Account 1", "email": "user@example.com", "password": "secret123",
    "lease_token": 7, "lease_expires_at": "2024-01-15T10:45:00Z",
}))]
pub(crate) struct Granted {
    id: u64,
    platform: String,
    name: String,
    #[serde(flatten)]
    secret: Secret,
    /// Grows with every claim of the credential: a fencing token.
    lease_token: u64,
    #[schema(schema_with = moment)]
    lease_expires_at: String,
}

/// What a report was answered.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"message": "Credential released successfully", "status": "available"}))]
pub(crate) struct Released {
    message: &'static str,
    status: Status,
}

/// What the report of a failure was answered.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "message": "Credential failure recorded", "status": "failed", "failure_count": 3, "consecutive_failures": 1,
    "cooldown_until": null,
}))]
pub(crate) struct FailureRecorded {
    message: &'static str,
    status: Status,
    /// How often it has failed since it was last reset.
    failure_count: u64,
    /// How often in a row.
    consecutive_failures: u64,
    /// When it may be claimed again, if it rests.
    cooldown_until: Option<String>,
}

/// A lease that goes on.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "message": "Lease renewed", "status": "in_use", "lease_token": 7, "lease_expires_at": "2024-01-15T11:00:00Z",
}))]
pub(crate) struct Renewed {
    message: &'static str,
    status: Status,
    lease_token: u64,
    #[schema(schema_with = moment)]
    lease_expires_at: String,
}

/// `GET /{platform}/next`: claims a credential; 204 if none is free.
#[utoipa::path(get, path = "/api/scraper-credentials/queue/{platform}/next", tag = "Credential queue",
    params(PlatformPath, NextQuery),
    responses(
        (status = 200, body = Granted, description = "A credential, leased", headers(
            ("X-Lease-Token" = u64, description = "The fencing token of the lease"),
            ("X-Lease-Expires-At" = String, description = "When the lease ends"))),
        (status = 204, description = "No credential is free")))]
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
        Ok(Some(grant)) => {
            telemetry::counter!("ClaimsGranted").increment(1);
            Ok(granted(grant))
        }
        Ok(None) => {
            telemetry::counter!("ClaimsInVain").increment(1);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
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
    let lease_expires_at = expires_at.to_string();
    let headers = lease_headers(token, &lease_expires_at);
    let (id, platform, name) = (credential.id, credential.pool, credential.name);
    let body = Granted { id, platform, name, secret, lease_token: token, lease_expires_at };
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
#[utoipa::path(post, path = "/api/scraper-credentials/queue/{credential_id}/success", tag = "Credential queue",
    params(CredentialPath, LeaseToken), request_body = Option<SuccessBody>,
    responses((status = 200, body = Released), (status = 409)))]
pub(crate) async fn success(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Released>, Error> {
    let message = input::text(&body, "message", LONGEST_MESSAGE)?.map(str::to_owned);
    let reported = app.report(&caller, id, &headers, Report::Success { message }).await?;
    Ok(Answer(Released { message: "Credential released successfully", status: reported.status }))
}

/// `POST /{id}/failure`: it did not work.
#[utoipa::path(post, path = "/api/scraper-credentials/queue/{credential_id}/failure", tag = "Credential queue",
    params(CredentialPath, LeaseToken), request_body = FailureBody,
    responses((status = 200, body = FailureRecorded), (status = 409)))]
pub(crate) async fn failure(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<FailureRecorded>, Error> {
    let error = input::needed(&body, "error_message", LONGEST_MESSAGE)?.to_owned();
    let cooldown_minutes = input::number(&body, "cooldown_minutes", 0, LONGEST_COOLDOWN)?.unwrap_or(0);
    let reported = app.report(&caller, id, &headers, Report::Failure { error, cooldown_minutes }).await?;
    Ok(Answer(FailureRecorded {
        message: "Credential failure recorded",
        status: reported.status,
        failure_count: reported.failure_count,
        consecutive_failures: reported.consecutive_failures,
        cooldown_until: reported.cooldown_until.map(|moment| moment.to_string()),
    }))
}

/// `POST /{id}/release`: it was not used.
#[utoipa::path(post, path = "/api/scraper-credentials/queue/{credential_id}/release", tag = "Credential queue",
    params(CredentialPath, LeaseToken), responses((status = 200, body = Released), (status = 409)))]
pub(crate) async fn release(
    State(app): State<App>,
    caller: Caller,
    id: Number,
    headers: HeaderMap,
) -> Result<Answer<Released>, Error> {
    let reported = app.report(&caller, id, &headers, Report::Release).await?;
    Ok(Answer(Released { message: "Credential released", status: reported.status }))
}

/// `POST /{id}/heartbeat`: keeps it for `lease_seconds` from now (in the body or the query), or the platform's time.
#[utoipa::path(post, path = "/api/scraper-credentials/queue/{credential_id}/heartbeat", tag = "Credential queue",
    params(CredentialPath, LeaseQuery, LeaseToken), request_body = Option<HeartbeatBody>,
    responses(
        (status = 200, body = Renewed, headers(
            ("X-Lease-Token" = u64, description = "The fencing token of the lease"),
            ("X-Lease-Expires-At" = String, description = "When the lease ends"))),
        (status = 409)))]
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
    let (headers, lease_expires_at) = (lease_headers(token, &end.to_string()), end.to_string());
    let body = Renewed { message: "Lease renewed", status: Status::InUse, lease_token: token, lease_expires_at };
    Ok((headers, Answer(body)).into_response())
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
