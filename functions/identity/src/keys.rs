//! `/api-keys` and `/api-keys/{key_id}`.

use api::extract_cloud::{Body, Caller, Error, Path, Reply};
use api::identity::{AddKeyError, KeyKind, KeyRecord, Permission};
use api::query::Parameters;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrets::ApiKey;
use serde::Serialize;
use table::new_id;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::document::{ApiKeyBody, ApiKeyPath, ApiKeyQuery};
use crate::view::KeyView;
use crate::{App, input};

/// How many keys one page holds: more than work at once, so that only who has deleted many needs a second one.
const PAGE: u32 = 100;

/// A new key: the only answer that holds it whole.
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub(crate) struct NewKeyView {
    #[serde(flatten)]
    key: KeyView,
    api_key: String,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deactivated {
    message: &'static str,
}

/// `GET /api-keys`: the caller's keys by preview, newest first. A `Link` header names the next page, if there is one.
#[utoipa::path(get, path = "/api-keys", tag = "API keys", params(ApiKeyQuery),
    responses((status = 200, body = Vec<KeyView>, headers(("Link" = String, description = "The next page, if there is one (RFC 8288)")))))]
pub(crate) async fn list(State(app): State<App>, caller: Caller, given: Parameters) -> Result<Response, Error> {
    caller.require(Permission::KeysManage)?;
    let after = given.text("after", 100).map_err(|fault| input::invalid(vec![fault]))?;
    if after.is_some_and(|id| Uuid::try_parse(id).is_err()) {
        return Err(Error::invalid("after", "must be the id of a key"));
    }
    let keys = app.gate.identity.keys_of(&caller.user_id, PAGE, after).await?;
    let next = keys.last().filter(|_| keys.len() == PAGE as usize);
    let next = next.and_then(|key| HeaderValue::from_str(&format!("</api-keys?after={}>; rel=\"next\"", key.id)).ok());
    let views: Vec<KeyView> = keys.into_iter().map(KeyView::from).collect();
    let mut response = Reply(StatusCode::OK, views).into_response();
    if let Some(link) = next {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// `POST /api-keys`: a new key, which may do nothing that the caller may not.
#[utoipa::path(post, path = "/api-keys", tag = "API keys", request_body = ApiKeyBody,
    responses((status = 201, body = NewKeyView)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body,
) -> Result<Reply<NewKeyView>, Error> {
    caller.require(Permission::KeysManage)?;
    let new = input::new_key(&body)?;
    for permission in &new.permissions {
        caller.require(*permission)?;
    }
    let key = ApiKey::generate(app.key_prefixes.of(new.is_test)).map_err(|_| Error::Internal)?;
    let now = app.gate.clock.now();
    let record = KeyRecord {
        id: new_id(now).to_string(),
        kind: KeyKind::Cloud,
        user_id: caller.user_id,
        is_operator: caller.is_operator,
        name: new.name,
        description: new.description,
        preview: key.preview(),
        permissions: new.permissions,
        is_active: true,
        last_used_at: None,
        created_at: now,
    };
    app.gate.identity.add_key(&key.hash(), &record).await.map_err(|error| match error {
        AddKeyError::TooMany => Error::invalid("", error.to_string()),
        AddKeyError::NoUser => Error::Authentication("There is no such user any more"),
        AddKeyError::Table(error) => error.into(),
    })?;
    Ok(Reply(StatusCode::CREATED, NewKeyView { key: record.into(), api_key: key.reveal().to_owned() }))
}

/// `DELETE /api-keys/{key_id}`: makes a key work no more.
#[utoipa::path(delete, path = "/api-keys/{key_id}", tag = "API keys", params(ApiKeyPath),
    responses((status = 200, body = Deactivated)))]
pub(crate) async fn deactivate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
) -> Result<Reply<Deactivated>, Error> {
    caller.require(Permission::KeysManage)?;
    if app.gate.identity.deactivate_key(&caller.user_id, &id.to_string()).await? {
        return Ok(Reply(StatusCode::OK, Deactivated { message: "API key deactivated" }));
    }
    Err(Error::NotFound("API key not found"))
}
