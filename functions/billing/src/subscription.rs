//! `GET /billing/subscription`: what a user has.

use api::extract_cloud::{Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value as Json;

use crate::document::SubscriptionOverview;
use crate::{App, view};

/// `GET /billing/subscription`: the subscription, its plan, what is used of it, and what comes next.
#[utoipa::path(get, path = "/billing/subscription", tag = "Billing",
    responses((status = 200, body = SubscriptionOverview), (status = 404)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let (billing, account) = tokio::try_join!(
        app.subscriptions.billing(&caller.user_id),
        app.subscriptions.accounts().get(&caller.user_id)
    )?;
    let account = account.ok_or(Error::NotFound("There is no account"))?;
    Ok(Reply(StatusCode::OK, view::overview(&billing, &account, app.subscriptions.offers())))
}
