//! `/credentials`: add, list, show, change, switch off and on, reset, take back, delete, audit. No answer holds a secret.

use api::query::Parameters;
use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use credentials::{AdminError, Credential, Edit, NewCredential, Secret, SecretShape, Status};
use serde_json::{Value as Json, json};
use table::{Millis, cursor};

use crate::App;
use crate::input::{self, Number};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The longest e-mail address or password, in characters.
const LONGEST_WORD: usize = 1_000;
/// The largest set of credentials, in bytes of JSON.
const LARGEST_SET: usize = 64 * 1024;

/// A credential as administrators see it.
pub(super) fn view(credential: &Credential, now: Millis) -> Json {
    let status = credential.status_at(now);
    let shown = |moment: Option<Millis>| moment.map(|moment| moment.to_string());
    let until = credential.lease.claimable_at;
    json!({
        "id": credential.id,
        "platform": credential.pool,
        "name": credential.name,
        "status": status,
        "in_use_by": credential.lease.lease_owner.as_deref().filter(|_| status == Status::InUse),
        "session_id": credential.session_id.as_deref().filter(|_| status == Status::InUse),
        "lease_token": credential.lease.lease_token,
        "lease_expires_at": shown(until.filter(|_| status == Status::InUse)),
        "cooldown_until": shown(until.filter(|_| status == Status::Cooldown)),
        "failure_count": credential.failure_count,
        "consecutive_failures": credential.consecutive_failures,
        "success_count": credential.success_count,
        "use_count": credential.use_count,
        "last_error": credential.last_error,
        "last_used_at": shown(credential.last_used_at),
        "created_at": credential.created_at.to_string(),
        "updated_at": credential.updated_at.to_string(),
    })
}

/// Reads a secret of a platform's shape: of a JSON body, or of a line of an import.
pub(super) fn secret(shape: SecretShape, body: &Json) -> Result<Secret, Error> {
    match shape {
        SecretShape::EmailPassword => Ok(Secret::EmailPassword {
            email: input::needed(body, "email", LONGEST_WORD)?.to_owned(),
            password: input::needed(body, "password", LONGEST_WORD)?.to_owned(),
        }),
        SecretShape::Credentials => {
            let given = body.get("credentials").and_then(Json::as_object).filter(|given| !given.is_empty());
            let given =
                given.ok_or_else(|| Error::invalid("credentials is required: an object of names and values"))?;
            if json!(given).to_string().len() > LARGEST_SET {
                return Err(Error::invalid(format!("credentials must have at most {LARGEST_SET} bytes")));
            }
            Ok(Secret::Credentials { credentials: given.clone() })
        }
    }
}

/// Reads a credential to be added.
pub(super) fn new(shape: SecretShape, body: &Json) -> Result<NewCredential, Error> {
    let name = input::needed(body, "name", LONGEST_NAME)?.to_owned();
    Ok(NewCredential { name, secret: secret(shape, body)? })
}

/// `POST /credentials`: adds one.
pub(crate) async fn create(
    State(app): State<App>,
    admin: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    let name = input::needed(&body, "platform", 40)?;
    let platform = app.credentials.platform(name).await?.ok_or_else(Error::invalid_platform)?;
    let new = new(platform.secret, &body)?;
    let ids = app.credentials.add(&platform, vec![new], &admin.key_id).await.map_err(refused)?;
    let id = ids.first().copied().ok_or_else(Error::internal)?;
    let credential = app.credentials.show(id).await?.ok_or_else(Error::internal)?;
    Ok((StatusCode::CREATED, Answer(view(&credential, app.clock.now()))))
}

/// `GET /credentials?platform=&status=&limit=&cursor=`: a page of them.
pub(crate) async fn list(State(app): State<App>, _: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    let platform = given.text("platform", 40)?;
    if let Some(name) = platform
        && app.credentials.platform(name).await?.is_none()
    {
        return Err(Error::invalid_platform());
    }
    let status = given.text("status", 40)?.map(status).transpose()?;
    let listing =
        app.credentials.list(platform, status, given.limit()?, given.text("cursor", 2_000)?).await.map_err(refused)?;
    let now = app.clock.now();
    let views: Vec<_> = listing.credentials.iter().map(|credential| view(credential, now)).collect();
    Ok(Answer(json!({"credentials": views, "next_cursor": listing.next})))
}

fn status(name: &str) -> Result<Status, Error> {
    let found = Status::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, status)| status);
    let known = Status::ALL.map(|(name, _)| name).join(", ");
    found.ok_or_else(|| Error::invalid(format!("status must be one of {known}")))
}

/// `GET /credentials/{id}`: one.
pub(crate) async fn show(State(app): State<App>, _: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    let credential = app.credentials.show(id.0).await?.ok_or_else(missing)?;
    Ok(Answer(view(&credential, app.clock.now())))
}

/// `PATCH /credentials/{id}`: another name, or another secret.
pub(crate) async fn edit(
    State(app): State<App>,
    admin: Administrator,
    id: Number,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let credential = app.credentials.show(id.0).await?.ok_or_else(missing)?;
    let platform = app.credentials.platform(&credential.pool).await?.ok_or_else(Error::internal)?;
    let name = match body.get("name") {
        Some(_) => Some(input::needed(&body, "name", LONGEST_NAME)?.to_owned()),
        None => None,
    };
    let has_secret = ["email", "password", "credentials"].iter().any(|field| body.get(*field).is_some());
    let secret = if has_secret { Some(secret(platform.secret, &body)?) } else { None };
    changed(&app, app.credentials.edit(id.0, Edit { name, secret }, &admin.key_id).await)
}

/// `POST /credentials/{id}/disable`: switches it off; whoever holds it loses it.
pub(crate) async fn disable(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    changed(&app, app.credentials.disable(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/enable`: switches it on.
pub(crate) async fn enable(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    changed(&app, app.credentials.enable(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/reset`: a failed or resting one is available again, its failures forgotten.
pub(crate) async fn reset(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    changed(&app, app.credentials.reset(id.0, &admin.key_id).await)
}

/// `POST /credentials/{id}/release`: takes it from whoever holds it.
pub(crate) async fn take_back(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    changed(&app, app.credentials.take_back(id.0, &admin.key_id).await)
}

/// `DELETE /credentials/{id}`: deletes it; its trail stays.
pub(crate) async fn delete(State(app): State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    app.credentials.delete(id.0, &admin.key_id, &app.events).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Credential deleted"})))
}

/// `GET /credentials/{id}/audit?limit=&cursor=`: what was done to it, the newest first; also of one that is deleted.
pub(crate) async fn audit(
    State(app): State<App>,
    _: Administrator,
    id: Number,
    given: Parameters,
) -> Result<Answer<Json>, Error> {
    let after = match given.text("cursor", 2_000)? {
        Some(text) => Some(place(text).ok_or_else(|| Error::invalid("cursor is not one"))?),
        None => None,
    };
    let limit = u32::try_from(given.limit()?).unwrap_or(50);
    let (events, next) = app.trail.read(id.0, limit, after.as_deref()).await?;
    if events.is_empty() && app.credentials.show(id.0).await?.is_none() {
        return Err(missing());
    }
    let events: Vec<_> = events
        .iter()
        .map(
            |event| json!({"action": event.action, "at": event.at.to_string(), "by": event.by, "detail": event.detail}),
        )
        .collect();
    let next = next.and_then(|place| cursor::write(&place));
    Ok(Answer(json!({"credential_id": id.0, "events": events, "next_cursor": next})))
}

/// The place in a trail that a cursor tells; DynamoDB takes no empty one, and none above a kilobyte.
fn place(text: &str) -> Option<String> {
    cursor::read(text).filter(|place: &String| (1..=1_000).contains(&place.len()))
}

fn changed(app: &App, outcome: Result<Credential, AdminError>) -> Result<Answer<Json>, Error> {
    outcome.map(|credential| Answer(view(&credential, app.clock.now()))).map_err(refused)
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
