//! What tests of other processes say and ask: `PUT /_control/{portal}/accounts/{name}` with an account, `DELETE …/sessions`, `GET …/records` (lines of JSON).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::{delete, get, put};
use serde_json::{Value, json};

use crate::records::Portal;
use crate::stand_in::{Account, StandIn};

pub(crate) fn routes() -> Router<StandIn> {
    Router::new()
        .route("/{portal}/accounts/{name}", put(account))
        .route("/{portal}/accounts/{name}/sessions", delete(expire))
        .route("/{portal}/accounts/{name}/records", get(records))
        .route("/{portal}/accounts/{name}/sign-ins", get(sign_ins))
}

async fn account(
    State(stand_in): State<StandIn>,
    Path((portal, name)): Path<(Portal, String)>,
    Json(account): Json<Account>,
) -> StatusCode {
    stand_in.put(portal, &name, account);
    StatusCode::NO_CONTENT
}

async fn expire(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> StatusCode {
    stand_in.expire(portal, &name);
    StatusCode::NO_CONTENT
}

async fn records(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> impl IntoResponse {
    let lines = stand_in.records(portal, &name).into_iter().map(|record| format!("{}\n", Value::Object(record.truth)));
    lines.collect::<String>()
}

async fn sign_ins(State(stand_in): State<StandIn>, Path((portal, name)): Path<(Portal, String)>) -> Json<Value> {
    Json(json!({"sign_ins": stand_in.sign_ins(portal, &name)}))
}
