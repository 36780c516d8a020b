//! `/keys`: the scrapers' API keys.

use ::input::schema::{moment, uuid, words};
use api::identity::{KeyKind, KeyRecord};
use api::query::Parameters;
use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use secrets::ApiKey;
use serde::Serialize;
use table::new_id;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Done;
use crate::App;
use crate::input::{self, Name};

/// What a new key begins with.
const PREFIX: &str = "sk_live_";

/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 200;

::input::body! {
    /// A key that is to be made.
    pub(crate) NewKey needs ["name"] {
        "name" "What it is called." => words::<LONGEST_NAME>(),
    } example {"name": "Scraper 1"}
}

::input::parameters! {
    /// The key of a path.
    pub(crate) KeyPath {
        path "key_id" "The key's id." => uuid(),
    }
}

::input::parameters! {
    /// A page of keys.
    pub(crate) KeyPage {
        query "limit" "How many; 50 unless given." => api::query::limits(),
        query "cursor" "The `next_cursor` of the page before." => uuid(),
    }
}

/// A key, by its preview.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "018d0a7c-5f80-7000-8000-000000000001", "name": "Scraper 1", "key_preview": "sk_live_12ab...9z",
    "is_active": true, "created_at": "2024-01-15T10:30:00Z",
}))]
pub(crate) struct KeyView {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    key_preview: String,
    is_active: bool,
    #[schema(schema_with = moment)]
    created_at: String,
}

/// A key that was just made: no other answer holds it.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyMade {
    #[serde(flatten)]
    key: KeyView,
    api_key: String,
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct Keys {
    keys: Vec<KeyView>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

fn view(key: &KeyRecord) -> KeyView {
    KeyView {
        id: key.id.clone(),
        name: key.name.clone(),
        key_preview: key.preview.clone(),
        is_active: key.is_active,
        created_at: key.created_at.to_string(),
    }
}

/// `POST /keys`: makes a key; this is the only answer that holds it.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/keys", tag = "Credential administration",
    request_body = NewKey, responses((status = 201, body = KeyMade)))]
pub(crate) async fn create(
    State(app): State<App>,
    admin: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<KeyMade>), Error> {
    let name = input::needed(&body, "name", LONGEST_NAME)?.to_owned();
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
    Ok((StatusCode::CREATED, Answer(KeyMade { key: view(&record), api_key: key.reveal().into() })))
}

/// `GET /keys?limit=&cursor=`: a page of them, by preview.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/keys", tag = "Credential administration",
    params(KeyPage), responses((status = 200, body = Keys)))]
pub(crate) async fn list(State(app): State<App>, _: Administrator, given: Parameters) -> Result<Answer<Keys>, Error> {
    let limit = given.limit()?;
    let after = given.text("cursor", 100)?;
    if after.is_some_and(|id| Uuid::try_parse(id).is_err()) {
        return Err(Error::invalid("cursor is not one"));
    }
    let keys = app.identity.scraper_keys(u32::try_from(limit).unwrap_or(50), after).await?;
    let next = keys.last().filter(|_| keys.len() == limit).map(|key| key.record.id.clone());
    Ok(Answer(Keys { keys: keys.iter().map(|key| view(&key.record)).collect(), next_cursor: next }))
}

/// `DELETE /keys/{id}`: makes a key work no more.
#[utoipa::path(delete, path = "/api/scraper-credentials/admin/keys/{key_id}", tag = "Credential administration",
    params(KeyPath), responses((status = 200, body = Done)))]
pub(crate) async fn revoke(State(app): State<App>, _: Administrator, Name(id): Name) -> Result<Answer<Done>, Error> {
    let known = Uuid::try_parse(&id).is_ok() && app.identity.revoke_scraper_key(&id).await?;
    if known { Ok(Answer(Done { message: "Key revoked" })) } else { Err(Error::not_found("Key not found")) }
}
