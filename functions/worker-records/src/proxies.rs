//! `/api/proxies`: workers list them and report how they do; administrators make, change and delete them.

use api::query::Parameters;
use api::worker::{Administrator, Body, Caller, Error, IdPath, IdempotencyHeader, Idempotent, Number, PageQuery, page};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use input::{Batch, Fault, Naming, form, rules, schema};
use serde_json::{Value as Json, json};
use worker::{HealthReport, IdempotencyKey, Kind, Listing, Numbering, Proxy, ProxyError, ProxyFields, ProxyFilter};

use crate::App;
use crate::document::{Done, NewProxies, ProxiesMade, ProxyChange, ProxyMade, ProxyPage, ProxyShown, UsableProxies};
use crate::listing::{self, missing};
use crate::tracked::nothing_to_change;
use crate::view::{self, View};

/// What many proxies in one request are called.
pub(crate) const PROXIES: Naming = Naming { one: "proxy", many: "proxies" };

input::parameters! {
    /// Which proxies.
    pub(crate) ProxyQuery {
        query "country" "Those that come out in this country only." => schema::country(),
        query "active_only" "Whether those that rest or are switched off are left out; they are unless given." => schema::flag(),
    }
}

/// `GET /api/proxies/inventory?limit=&cursor=`: all proxies, the newest first, without their passwords.
#[utoipa::path(get, path = "/api/proxies/inventory", tag = "Worker records", params(PageQuery),
    responses((status = 200, body = ProxyPage), (status = 403)))]
pub(crate) async fn inventory(app: State<App>, admin: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    listing::list::<Proxy>(app, admin, given).await
}

/// `GET /api/proxies/{id}`: one proxy, without its password.
#[utoipa::path(get, path = "/api/proxies/{id}", tag = "Worker records", params(IdPath),
    responses((status = 200, body = ProxyShown), (status = 403)))]
pub(crate) async fn show(app: State<App>, admin: Administrator, id: Number) -> Result<Answer<Json>, Error> {
    listing::show::<Proxy>(app, admin, id).await
}

/// `GET /api/proxies?country=&active_only=&limit=&cursor=`: proxies for workers, with their passwords.
#[utoipa::path(get, path = "/api/proxies", tag = "Worker records", params(ProxyQuery, PageQuery),
    responses((status = 200, body = UsableProxies)))]
pub(crate) async fn usable(State(app): State<App>, _: Caller, given: Parameters) -> Result<Answer<Json>, Error> {
    let filter = ProxyFilter { country: country(&given)?, active_only: given.flag("active_only")?.unwrap_or(true) };
    let page = page(&given, async |limit, after| app.proxies.list(&filter, limit, after).await).await?;
    let Listing { records, next } = page;
    let opened = app.proxies.opened(records).await.map_err(|error| refused(error.into()))?;
    let now = app.clock.now();
    let proxies: Vec<_> =
        opened.iter().map(|(proxy, password)| view::usable(proxy, password.as_deref(), now)).collect();
    Ok(Answer(json!({"proxies": proxies, "next_cursor": next})))
}

fn country(given: &Parameters) -> Result<Option<String>, Fault> {
    let Some(code) = given.text("country", 40)? else { return Ok(None) };
    rules::country(code, &()).map_err(|error| Fault::new("country", error.message()))?;
    Ok(Some(code.to_ascii_uppercase()))
}

/// `POST /api/proxies`: makes one proxy, or as many as `proxies` has. Of many, all are made or none; with `"partial": true` those that are
/// valid, and each is told its own.
#[utoipa::path(post, path = "/api/proxies", tag = "Worker records", params(IdempotencyHeader),
    request_body = NewProxies, responses((status = 201, body = ProxiesMade), (status = 403)))]
pub(crate) async fn create(
    State(app): State<App>,
    admin: Administrator,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    let key = idempotent.key(&admin.key_id, &body);
    let answer = if body.get(PROXIES.many).is_some() {
        app.create_many(&body, key.as_ref()).await?
    } else {
        app.create_one(&body, key.as_ref()).await?
    };
    Ok((StatusCode::CREATED, Answer(answer)))
}

/// `PUT /api/proxies/{id}`: changes any of its fields; `is_active` switches it off and on.
#[utoipa::path(put, path = "/api/proxies/{id}", tag = "Worker records", params(IdPath),
    request_body = ProxyChange, responses((status = 200, body = ProxyMade), (status = 403)))]
pub(crate) async fn update(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let proxy = app.proxies.change(id, form(&body)?).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Proxy updated successfully", "proxy": proxy.shown(app.clock.now())})))
}

/// `DELETE /api/proxies/{id}`: deletes a proxy.
#[utoipa::path(delete, path = "/api/proxies/{id}", tag = "Worker records", params(IdPath),
    responses((status = 200, body = Done), (status = 403)))]
pub(crate) async fn delete(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<Json>, Error> {
    app.proxies.delete(id).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Proxy deleted successfully"})))
}

/// `POST /api/proxies/{id}/success`: it has worked.
#[utoipa::path(post, path = "/api/proxies/{id}/success", tag = "Worker records", params(IdPath, IdempotencyHeader),
    request_body = Option<Object>, responses((status = 200, body = Done)))]
pub(crate) async fn success(
    State(app): State<App>,
    caller: Caller,
    Number(id): Number,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    app.report(id, HealthReport::Success, idempotent.key(&caller.key_id, &body)).await
}

/// `POST /api/proxies/{id}/failure`: it has not.
#[utoipa::path(post, path = "/api/proxies/{id}/failure", tag = "Worker records", params(IdPath, IdempotencyHeader),
    request_body = Option<Object>, responses((status = 200, body = Done)))]
pub(crate) async fn failure(
    State(app): State<App>,
    caller: Caller,
    Number(id): Number,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    app.report(id, HealthReport::Failure, idempotent.key(&caller.key_id, &body)).await
}

impl App {
    async fn create_one(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<Json, Error> {
        let new = ProxyFields::read(body)?;
        let Numbering { first, at } = self.records.numbers(Kind::Proxy, 1, key).await?;
        let made = self.proxies.make(vec![(first, new)], at).await.map_err(refused)?;
        let shown = made.first().map(|proxy| proxy.shown(at));
        Ok(json!({"message": "Proxy created successfully", "proxy": shown}))
    }

    async fn create_many(&self, body: &Json, key: Option<&IdempotencyKey>) -> Result<Json, Error> {
        let batch = Batch::read(body, PROXIES, ProxyFields::read)?;
        batch.check()?;
        let Numbering { first, at } = self.records.numbers(Kind::Proxy, batch.size(), key).await?;
        let (new, told) = batch.numbered(first);
        let made = self.proxies.make(new, at).await.map_err(refused)?;
        let message = format!("{} of {} proxies created successfully", made.len(), told.len());
        Ok(json!({"message": message, "created": made.len(), "proxies": told}))
    }

    async fn report(&self, id: u64, report: HealthReport, key: Option<IdempotencyKey>) -> Result<Answer<Json>, Error> {
        self.proxies.report(id, report, key.as_ref()).await.map_err(refused)?;
        Ok(Answer(json!({"message": "Proxy report taken"})))
    }
}

fn refused(error: ProxyError) -> Error {
    match error {
        ProxyError::Missing => missing::<Proxy>(),
        ProxyError::Empty => nothing_to_change(),
        ProxyError::Idempotency(error) => error.into(),
        ProxyError::Seal(error) => {
            tracing::error!(%error, "a password was not sealed, or not opened");
            Error::internal("Something went wrong on our side; try again")
        }
    }
}
