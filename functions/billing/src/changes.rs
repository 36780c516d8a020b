//! Changes of a subscription: asked of Lemon Squeezy, and so of its word for how things are. What our records say follows by its webhooks, which may be
//! behind: they do not decide whether to ask.

use api::extract_cloud::{Body, Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use futures::future::try_join_all;
use lemon_squeezy::{Charge, Resource, SubscriptionStatus};
use serde_json::{Value as Json, json};
use subscriptions::{Billing, Fact, State as Standing};

use crate::document::{PlanBody, SubscriptionChanged};
use crate::{App, checkout, input, store, view};

const NO_SUBSCRIPTION: Error =
    Error::NotFound("There is no subscription: begin one with POST /billing/create-checkout");

/// `PUT /billing/subscription`: another plan. A larger one is charged at once for the rest of the period, a smaller one is set off against the next
/// renewal.
#[utoipa::path(put, path = "/billing/subscription", tag = "Billing", request_body = PlanBody,
    responses((status = 200, body = SubscriptionChanged), (status = 404), (status = 502)))]
pub(crate) async fn change_plan(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body,
) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let plan = input::plan(&body)?;
    let offer = checkout::offer(&app, plan)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    let (id, state) = current(&app, &billing)?;
    let hindrance = match state.status {
        SubscriptionStatus::Cancelled => "the subscription is cancelled: resume it first",
        SubscriptionStatus::Paused => "the subscription is paused: go on with it at the portal first",
        SubscriptionStatus::Unpaid => "the subscription is not paid: see to that at the portal first",
        _ => "",
    };
    if !hindrance.is_empty() {
        return Err(Error::invalid("plan_id", hindrance));
    }
    let had = app.subscriptions.offers().plan_of(state.variant).map_or(0, extract::Plan::compute_units);
    let charge = if plan.compute_units() > had { Charge::Now } else { Charge::AtRenewal };
    let changed = app.desk.store.change_variant(id, offer.variant, charge).await;
    let changed = changed.map_err(|fault| store::refused(&fault))?;
    Ok(answer(&app, billing, &[changed], "The plan changes as soon as Lemon Squeezy confirms it"))
}

/// `POST /billing/subscription/cancel`: the subscription ends with its period. If there are several, all of them do: nothing is charged any more.
#[utoipa::path(post, path = "/billing/subscription/cancel", tag = "Billing",
    responses((status = 200, body = SubscriptionChanged), (status = 400), (status = 404), (status = 502)))]
pub(crate) async fn cancel(State(app): State<App>, caller: Caller) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    current(&app, &billing)?;
    let is_live = |state: &Standing| state.status != SubscriptionStatus::Expired;
    let live = billing.subscriptions.iter().filter(|known| known.state.as_ref().is_some_and(is_live));
    let cancelled = try_join_all(live.map(|known| app.desk.store.cancel(known.id))).await;
    let cancelled = cancelled.map_err(|fault| store::refused(&fault))?;
    Ok(answer(&app, billing, &cancelled, "The subscription ends with its period"))
}

/// `POST /billing/subscription/resume`: a subscription that was cancelled, and is not over, goes on.
#[utoipa::path(post, path = "/billing/subscription/resume", tag = "Billing",
    responses((status = 200, body = SubscriptionChanged), (status = 400), (status = 404), (status = 502)))]
pub(crate) async fn resume(State(app): State<App>, caller: Caller) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    let (id, _) = current(&app, &billing)?;
    let resumed = app.desk.store.resume(id).await.map_err(|fault| store::refused(&fault))?;
    Ok(answer(&app, billing, &[resumed], "The subscription goes on"))
}

/// The subscription that counts, with how it stands.
fn current<'known>(app: &App, billing: &'known Billing) -> Result<(u64, &'known Standing), Error> {
    let known = view::current(billing, app.subscriptions.offers());
    known.and_then(|known| Some((known.id, known.state.as_ref()?))).ok_or(NO_SUBSCRIPTION)
}

/// Answers with the subscription as Lemon Squeezy says that it is now. It is not recorded: that is for its webhooks.
fn answer(
    app: &App,
    mut billing: Billing,
    told: &[Resource<lemon_squeezy::Subscription>],
    message: &str,
) -> Reply<Json> {
    for subscription in told {
        if let Some(id) = subscription.number() {
            billing.note(&Fact::State(id, Standing::of(&subscription.attributes)));
        }
    }
    let offers = app.subscriptions.offers();
    let subscription = billing.current(offers).and_then(|known| view::subscription(known, offers));
    Reply(StatusCode::OK, json!({"message": message, "subscription": subscription}))
}
