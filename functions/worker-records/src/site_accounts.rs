//! `/api/site-accounts`: what workers make, change and report of site accounts, and what administrators see of them.

use api::query::Parameters;
use api::worker::{Administrator, Body, Caller, Error, IdPath, IdempotencyHeader, Idempotent, Number, PageQuery};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value as Json;
use worker::SiteAccount;

use crate::document::{Done, NewSiteAccount, SiteAccountChange, SiteAccountMade, SiteAccountPage, SiteAccountShown};
use crate::{App, listing, tracked};

/// `GET /api/site-accounts?limit=&cursor=`: all site accounts, the newest first.
#[utoipa::path(get, path = "/api/site-accounts", tag = "Worker records", params(PageQuery),
    responses((status = 200, body = SiteAccountPage), (status = 403)))]
pub(crate) async fn list(app: State<App>, admin: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    listing::list::<SiteAccount>(app, admin, given).await
}

/// `GET /api/site-accounts/{id}`: one of the site accounts.
#[utoipa::path(get, path = "/api/site-accounts/{id}", tag = "Worker records", params(IdPath),
    responses((status = 200, body = SiteAccountShown), (status = 403)))]
pub(crate) async fn show(app: State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    listing::show::<SiteAccount>(app, admin, id).await
}

/// `POST /api/site-accounts`: makes one.
#[utoipa::path(post, path = "/api/site-accounts", tag = "Worker records", params(IdempotencyHeader),
    request_body = NewSiteAccount, responses((status = 201, body = SiteAccountMade)))]
pub(crate) async fn create(
    app: State<App>,
    caller: Caller,
    idempotent: Idempotent,
    body: Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    tracked::create::<SiteAccount>(app, caller, idempotent, body).await
}

/// `PUT /api/site-accounts/{id}`: changes any of its fields.
#[utoipa::path(put, path = "/api/site-accounts/{id}", tag = "Worker records", params(IdPath),
    request_body = SiteAccountChange, responses((status = 200, body = Done)))]
pub(crate) async fn update(app: State<App>, caller: Caller, id: Number, body: Body) -> Result<Answer<Json>, Error> {
    tracked::update::<SiteAccount>(app, caller, id, body).await
}
