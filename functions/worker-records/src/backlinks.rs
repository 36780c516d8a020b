//! `/api/backlinks`: what workers make, change and report of backlinks, and what administrators see of them.

use api::query::Parameters;
use api::worker::{Administrator, Body, Caller, Error, IdPath, IdempotencyHeader, Idempotent, Number, PageQuery};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value as Json;
use worker::Backlink;

use crate::document::{BacklinkChange, BacklinkMade, BacklinkPage, BacklinkShown, Done, NewBacklink};
use crate::{App, listing, tracked};

/// `GET /api/backlinks?limit=&cursor=`: all backlinks, the newest first.
#[utoipa::path(get, path = "/api/backlinks", tag = "Worker records", params(PageQuery),
    responses((status = 200, body = BacklinkPage), (status = 403)))]
pub(crate) async fn list(app: State<App>, admin: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    listing::list::<Backlink>(app, admin, given).await
}

/// `GET /api/backlinks/{id}`: one of the backlinks.
#[utoipa::path(get, path = "/api/backlinks/{id}", tag = "Worker records", params(IdPath),
    responses((status = 200, body = BacklinkShown), (status = 403)))]
pub(crate) async fn show(app: State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    listing::show::<Backlink>(app, admin, id).await
}

/// `POST /api/backlinks`: makes one.
#[utoipa::path(post, path = "/api/backlinks", tag = "Worker records", params(IdempotencyHeader),
    request_body = NewBacklink, responses((status = 201, body = BacklinkMade)))]
pub(crate) async fn create(
    app: State<App>,
    caller: Caller,
    idempotent: Idempotent,
    body: Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    tracked::create::<Backlink>(app, caller, idempotent, body).await
}

/// `PUT /api/backlinks/{id}`: changes any of its fields.
#[utoipa::path(put, path = "/api/backlinks/{id}", tag = "Worker records", params(IdPath),
    request_body = BacklinkChange, responses((status = 200, body = Done)))]
pub(crate) async fn update(app: State<App>, caller: Caller, id: Number, body: Body) -> Result<Answer<Json>, Error> {
    tracked::update::<Backlink>(app, caller, id, body).await
}
