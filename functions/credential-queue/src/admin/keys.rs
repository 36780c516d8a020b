//! `/keys`: the scrapers' API keys.

use api::identity::{KeyKind, KeyRecord};
use api::query::Parameters;
use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::new_id;
use uuid::Uuid;

use crate::App;
use crate::input::{self, Name};

/// What a new key begins with.
const PREFIX: &str = "sk_live_";

fn view(key: &KeyRecord) -> Json {
    json!({
        "id": key.id,
        "name": key.name,
        "key_preview": key.preview,
        "is_active": key.is_active,
        "created_at": key.created_at.to_string(),
    })
}

/// `POST /keys`: makes a key; this is the only answer that holds it.
pub(crate) async fn create(
    State(app): State<App>,
    admin: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    let name = input::needed(&body, "name", 200)?.to_owned();
    let key = ApiKey::generate(PREFIX).map_err(|_| Error::internal())?;
    let now = app.clock.now();
    let record = KeyRecord {
        id: new_id(now).to_string(),
        kind: KeyKind::Scraper,
        user_id: admin.key_id,
        is_operator: false,
        name,
        description: None,
        preview: key.preview(),
        permissions: Vec::new(),
        is_active: true,
        last_used_at: None,
        created_at: now,
    };
    app.identity.add_scraper_key(&key.hash(), &record).await?;
    let mut body = view(&record);
    body["api_key"] = key.reveal().into();
    Ok((StatusCode::CREATED, Answer(body)))
}

/// `GET /keys?limit=&cursor=`: a page of them, by preview.
pub(crate) async fn list(State(app): State<App>, _: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    let limit = given.limit()?;
    let after = given.text("cursor", 100)?;
    if after.is_some_and(|id| Uuid::try_parse(id).is_err()) {
        return Err(Error::invalid("cursor is not one"));
    }
    let keys = app.identity.scraper_keys(u32::try_from(limit).unwrap_or(50), after).await?;
    let next = keys.last().filter(|_| keys.len() == limit).map(|key| key.record.id.clone());
    let views: Vec<_> = keys.iter().map(|key| view(&key.record)).collect();
    Ok(Answer(json!({"keys": views, "next_cursor": next})))
}

/// `DELETE /keys/{id}`: makes a key work no more.
pub(crate) async fn revoke(State(app): State<App>, _: Administrator, Name(id): Name) -> Result<Answer<Json>, Error> {
    let known = Uuid::try_parse(&id).is_ok() && app.identity.revoke_scraper_key(&id).await?;
    if known { Ok(Answer(json!({"message": "Key revoked"}))) } else { Err(Error::not_found("Key not found")) }
}
