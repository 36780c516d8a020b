//! `/credentials`: add, list, show, change, switch off and on, reset, take back, delete, audit. No answer holds a secret.

use ::input::schema::{moment, object, one_of, pattern, text, words};
use api::query::Parameters;
use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use credentials::audit::Event;
use credentials::fields::{LONGEST_NAME, LONGEST_WORD};
use credentials::{AdminError, Credential, CredentialView, Edit, LONGEST_PLATFORM, NewCredential, Secret, Status};
use serde::Serialize;
use table::cursor;
use utoipa::ToSchema;

use super::Done;
use crate::App;
use crate::input::{self, CredentialPath, Number};

/// The longest cursor that is read, in characters.
const LONGEST_CURSOR: usize = 2_000;

::input::body! {
    /// A credential that is to be added, with what its platform wants: `email` and `password`, or `credentials`.
    pub(crate) NewCredentialBody needs ["platform", "name"] {
        "platform" "Where it is used." => pattern(1, LONGEST_PLATFORM, "^[a-z0-9_-]+$"),
        "name" "What it is called." => words::<LONGEST_NAME>(),
        "email" "Who signs in." => words::<LONGEST_WORD>(),
        "password" "What with." => words::<LONGEST_WORD>(),
        "credentials" "Whatever the platform wants: names and values, up to 64 KiB of JSON." => object(),
    } example {"platform": "linkedin", "name": "Account 1", "email": "user@example.com", "password": "secret123"}
}

::input::body! {
    /// Another name, or another secret, which must be whole.
    pub(crate) EditBody needs [] {
        "name" "What it is called." => words::<LONGEST_NAME>(),
        "email" "Who signs in." => words::<LONGEST_WORD>(),
        "password" "What with." => words::<LONGEST_WORD>(),
        "credentials" "Whatever the platform wants: names and values, up to 64 KiB of JSON." => object(),
    } example {"name": "Account 2"}
}

::input::parameters! {
    /// Which credentials.
    pub(crate) ListQuery {
        query "platform" "Of this platform only." => pattern(1, LONGEST_PLATFORM, "^[a-z0-9_-]+$"),
        query "status" "Those that stand so only." => one_of(Status::ALL.map(|(name, _)| name)),
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, LONGEST_CURSOR>(),
    }
}

::input::parameters! {
    /// Which part of a trail.
    pub(crate) TrailQuery {
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => text::<0, LONGEST_CURSOR>(),
    }
}

/// A page of credentials.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialPage {
    credentials: Vec<CredentialView>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

/// A part of what was done to a credential, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "credential_id": 1, "next_cursor": null,
    "events": [{"action": "claimed", "at": "2024-01-15T10:30:00Z", "by": "018d0a7c-5f80-7000-8000-000000000001", "detail": null}],
}))]
pub(crate) struct TrailPage {
    credential_id: u64,
    events: Vec<EventView>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

/// One thing that was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    action: String,
    #[schema(schema_with = moment)]
    at: String,
    /// The id of an API key, or `recovery`.
    by: String,
    detail: Option<String>,
}

/// `POST /credentials`: adds one.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials", tag = "Credential administration",
    request_body = NewCredentialBody, responses((status = 201, body = CredentialView)))]
pub(crate) async fn create(
    State(app): State<App>,
    admin: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<CredentialView>), Error> {
    let name = input::needed(&body, "platform", LONGEST_PLATFORM)?;
    let platform = app.credentials.platform(name).await?.ok_or_else(Error::invalid_platform)?;
    let new = NewCredential::read(platform.secret, &body).map_err(|error| input::wrong(&error))?;
    let ids = app.credentials.add(&platform, vec![new], &admin.key_id).await.map_err(refused)?;
    let id = ids.first().copied().ok_or_else(Error::internal)?;
    let credential = app.credentials.show(id).await?.ok_or_else(Error::internal)?;
    Ok((StatusCode::CREATED, Answer(CredentialView::of(&credential, app.clock.now()))))
}

/// `GET /credentials?platform=&status=&limit=&cursor=`: a page of them.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/credentials", tag = "Credential administration",
    params(ListQuery), responses((status = 200, body = CredentialPage)))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<CredentialPage>, Error> {
    let platform = given.text("platform", LONGEST_PLATFORM)?;
    if let Some(name) = platform
        && app.credentials.platform(name).await?.is_none()
    {
        return Err(Error::invalid_platform());
    }
    let status = given.text("status", 40)?.map(status).transpose()?;
    let listing = app
        .credentials
        .list(platform, status, given.limit()?, given.text("cursor", LONGEST_CURSOR)?)
        .await
        .map_err(refused)?;
    let now = app.clock.now();
    let credentials = listing.credentials.iter().map(|credential| CredentialView::of(credential, now)).collect();
    Ok(Answer(CredentialPage { credentials, next_cursor: listing.next }))
}

fn status(name: &str) -> Result<Status, Error> {
    let found = Status::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, status)| status);
    let known = Status::ALL.map(|(name, _)| name).join(", ");
    found.ok_or_else(|| Error::invalid(format!("status must be one of {known}")))
}

/// `GET /credentials/{id}`: one credential, without its secret.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/credentials/{credential_id}", tag = "Credential administration",
    params(CredentialPath), responses((status = 200, body = CredentialView)))]
pub(crate) async fn show(
    State(app): State<App>,
    _: Administrator,
    id: Number,
) -> Result<Answer<CredentialView>, Error> {
    let credential = app.credentials.show(id.0).await?.ok_or_else(missing)?;
    Ok(Answer(CredentialView::of(&credential, app.clock.now())))
}

/// `PATCH /credentials/{id}`: another name, or another secret.
#[utoipa::path(patch, path = "/api/scraper-credentials/admin/credentials/{credential_id}", tag = "Credential administration",
    params(CredentialPath), request_body = Option<EditBody>,
    responses((status = 200, body = CredentialView), (status = 409)))]
pub(crate) async fn edit(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
    Body(body): Body,
) -> Result<Answer<CredentialView>, Error> {
    let credential = app.credentials.show(id.0).await?.ok_or_else(missing)?;
    let platform = app.credentials.platform(&credential.pool).await?.ok_or_else(Error::internal)?;
    let name = match body.get("name") {
        Some(_) => Some(input::needed(&body, "name", LONGEST_NAME)?.to_owned()),
        None => None,
    };
    let has_secret = ["email", "password", "credentials"].iter().any(|field| body.get(*field).is_some());
    let secret = has_secret.then(|| Secret::read(platform.secret, &body)).transpose();
    let secret = secret.map_err(|error| input::wrong(&error))?;
    changed(&app, app.credentials.edit(id.0, Edit { name, secret }, &admin.key_id).await)
}

/// `POST /credentials/{id}/disable`: switches it off; whoever holds it loses it.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/{credential_id}/disable",
    tag = "Credential administration", params(CredentialPath),
    responses((status = 200, body = CredentialView)))]
pub(crate) async fn disable(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
) -> Result<Answer<CredentialView>, Error> {
    changed(&app, app.credentials.disable(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/enable`: switches it on.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/{credential_id}/enable",
    tag = "Credential administration", params(CredentialPath),
    responses((status = 200, body = CredentialView), (status = 409)))]
pub(crate) async fn enable(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
) -> Result<Answer<CredentialView>, Error> {
    changed(&app, app.credentials.enable(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/reset`: a failed or resting one is available again, its failures forgotten.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/{credential_id}/reset",
    tag = "Credential administration", params(CredentialPath),
    responses((status = 200, body = CredentialView), (status = 409)))]
pub(crate) async fn reset(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
) -> Result<Answer<CredentialView>, Error> {
    changed(&app, app.credentials.reset(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/release`: takes it from whoever holds it.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/{credential_id}/release",
    tag = "Credential administration", params(CredentialPath),
    responses((status = 200, body = CredentialView), (status = 409)))]
pub(crate) async fn take_back(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
) -> Result<Answer<CredentialView>, Error> {
    changed(&app, app.credentials.take_back(id.0, &admin.key_id, None).await)
}

/// `DELETE /credentials/{id}`: deletes it; its trail stays.
#[utoipa::path(delete, path = "/api/scraper-credentials/admin/credentials/{credential_id}", tag = "Credential administration",
    params(CredentialPath), responses((status = 200, body = Done)))]
pub(crate) async fn delete(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Done>, Error> {
    app.credentials.delete(id.0, &admin.key_id, &app.events).await.map_err(refused)?;
    Ok(Answer(Done { message: "Credential deleted" }))
}

/// `GET /credentials/{id}/audit?limit=&cursor=`: what was done to it, the newest first; also of one that is deleted.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/credentials/{credential_id}/audit", tag = "Credential administration",
    params(CredentialPath, TrailQuery), responses((status = 200, body = TrailPage)))]
pub(crate) async fn audit(
    State(app): State<App>,
    _: Administrator,
    id: Number,
    given: Parameters,
) -> Result<Answer<TrailPage>, Error> {
    let after = match given.text("cursor", LONGEST_CURSOR)? {
        Some(text) => Some(place(text).ok_or_else(|| Error::invalid("cursor is not one"))?),
        None => None,
    };
    let limit = u32::try_from(given.limit()?).unwrap_or(50);
    let (events, next) = app.trail.read(id.0, limit, after.as_deref()).await?;
    if events.is_empty() && app.credentials.show(id.0).await?.is_none() {
        return Err(missing());
    }
    let shown =
        |event: Event| EventView { action: event.action, at: event.at.to_string(), by: event.by, detail: event.detail };
    let next_cursor = next.and_then(|place| cursor::write(&place));
    Ok(Answer(TrailPage { credential_id: id.0, events: events.into_iter().map(shown).collect(), next_cursor }))
}

/// The place in a trail that a cursor tells; DynamoDB takes no empty one, and none above a kilobyte.
fn place(text: &str) -> Option<String> {
    cursor::read(text).filter(|place: &String| (1..=1_000).contains(&place.len()))
}

fn changed(app: &App, outcome: Result<Credential, AdminError>) -> Result<Answer<CredentialView>, Error> {
    outcome.map(|credential| Answer(CredentialView::of(&credential, app.clock.now()))).map_err(refused)
}

fn missing() -> Error {
    Error::not_found("Credential not found")
}

pub(super) fn refused(error: AdminError) -> Error {
    match error {
        AdminError::Missing => missing(),
        AdminError::NotNow(why) => Error::conflict(why),
        AdminError::Cursor => Error::invalid("cursor is not one"),
        AdminError::Table(error) => error.into(),
        AdminError::Seal(error) => {
            tracing::error!(%error, "a secret was not sealed");
            Error::internal()
        }
    }
}
