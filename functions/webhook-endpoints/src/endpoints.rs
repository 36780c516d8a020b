//! `/webhooks`, `/webhooks/{webhook_id}` and `/webhooks/{webhook_id}/rotate-secret`.

use api::extract_cloud::{Body, Caller, Error, Path, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use webhooks::{EndpointError, EndpointFields};

use crate::App;
use crate::document::{NewWebhook, WebhookChange, WebhookPath};
use crate::view::{EndpointView, EndpointWithSecret};

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDeleted)]
pub(crate) struct Deleted {
    message: &'static str,
}

/// `GET /webhooks`: the caller's webhooks, the oldest first; at most ten.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", responses((status = 200, body = Vec<EndpointView>)))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Reply<Vec<EndpointView>>, Error> {
    caller.require(Permission::TasksRead)?;
    let now = app.gate.clock.now();
    let endpoints = app.endpoints.list(&caller.user_id).await?;
    Ok(Reply(StatusCode::OK, endpoints.iter().map(|endpoint| EndpointView::of(endpoint, now)).collect()))
}

/// `POST /webhooks`: a new webhook, with its secret, which is shown now and never again.
#[utoipa::path(post, path = "/webhooks", tag = "Webhooks", request_body = NewWebhook,
    responses((status = 201, body = EndpointWithSecret)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body,
) -> Result<Reply<EndpointWithSecret>, Error> {
    may_change(&caller)?;
    let fields = EndpointFields::read_new(&body, &app.addresses)?;
    let (endpoint, secret) = app.endpoints.create(&caller.user_id, fields).await.map_err(refused)?;
    Ok(Reply(StatusCode::CREATED, EndpointWithSecret::of(&endpoint, &secret, app.gate.clock.now())))
}

/// `GET /webhooks/{webhook_id}`: one webhook.
#[utoipa::path(get, path = "/webhooks/{webhook_id}", tag = "Webhooks", params(WebhookPath),
    responses((status = 200, body = EndpointView)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Reply<EndpointView>, Error> {
    caller.require(Permission::TasksRead)?;
    let endpoint = app.endpoints.get(&caller.user_id, id).await.map_err(refused)?;
    Ok(Reply(StatusCode::OK, EndpointView::of(&endpoint, app.gate.clock.now())))
}

/// `PUT /webhooks/{webhook_id}`: any of its fields; `is_active` switches it off and on.
#[utoipa::path(put, path = "/webhooks/{webhook_id}", tag = "Webhooks", params(WebhookPath), request_body = WebhookChange,
    responses((status = 200, body = EndpointView)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Body(body): Body,
) -> Result<Reply<EndpointView>, Error> {
    may_change(&caller)?;
    let fields = EndpointFields::read_change(&body, &app.addresses)?;
    let endpoint = app.endpoints.update(&caller.user_id, id, &fields).await.map_err(refused)?;
    Ok(Reply(StatusCode::OK, EndpointView::of(&endpoint, app.gate.clock.now())))
}

/// `DELETE /webhooks/{webhook_id}`: deletes a webhook.
#[utoipa::path(delete, path = "/webhooks/{webhook_id}", tag = "Webhooks", params(WebhookPath),
    responses((status = 200, body = Deleted)))]
pub(crate) async fn delete(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Reply<Deleted>, Error> {
    may_change(&caller)?;
    app.endpoints.delete(&caller.user_id, id).await.map_err(refused)?;
    Ok(Reply(StatusCode::OK, Deleted { message: "Webhook deleted successfully" }))
}

/// `POST /webhooks/{webhook_id}/rotate-secret`: a new secret, shown now and never again; those before it sign beside it for a day.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/rotate-secret", tag = "Webhooks", params(WebhookPath),
    responses((status = 200, body = EndpointWithSecret), (status = 400)))]
pub(crate) async fn rotate_secret(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
) -> Result<Reply<EndpointWithSecret>, Error> {
    may_change(&caller)?;
    let (endpoint, secret) = app.endpoints.rotate(&caller.user_id, id).await.map_err(refused)?;
    Ok(Reply(StatusCode::OK, EndpointWithSecret::of(&endpoint, &secret, app.gate.clock.now())))
}

/// A webhook carries what tasks came to out of the account, and its secret is a key: changing one takes the right to see tasks and the right to
/// manage keys.
pub(crate) fn may_change(caller: &Caller) -> Result<(), Error> {
    caller.require(Permission::TasksRead)?;
    caller.require(Permission::KeysManage)
}

pub(crate) fn refused(error: EndpointError) -> Error {
    match error {
        EndpointError::Missing => Error::NotFound("Webhook not found"),
        EndpointError::TooMany => Error::invalid("url", error.to_string()),
        EndpointError::RotatedTooOften => Error::invalid("secret", error.to_string()),
        EndpointError::Secret(error) => {
            tracing::error!(%error, "a secret was not sealed");
            Error::Internal
        }
        EndpointError::Table(error) => error.into(),
    }
}
