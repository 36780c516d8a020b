//! `POST /billing/create-checkout`: where a plan is bought.

use api::extract_cloud::{Body, Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use extract::Plan;
use lemon_squeezy::NewCheckout;
use serde_json::{Value as Json, json};
use subscriptions::{Begun, CHECKOUT, Checkout, Offer};

use crate::document::{CheckoutBody, CheckoutMade};
use crate::{App, input, store, view};

/// `POST /billing/create-checkout`: a page at which the plan is paid. Who asks for the same twice within an hour is sent to the same page.
#[utoipa::path(post, path = "/billing/create-checkout", tag = "Billing", request_body = CheckoutBody,
    responses((status = 200, body = CheckoutMade), (status = 502)))]
pub(crate) async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let (plan, success_url) = input::checkout(&body)?;
    let offer = offer(&app, plan)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    if view::current(&billing, app.subscriptions.offers()).is_some() {
        let message =
            "there is a subscription: change its plan with PUT /billing/subscription, or see to it at the portal";
        return Err(Error::invalid("plan_id", message));
    }
    let begun = match app.subscriptions.checkout(&caller.user_id, plan, &success_url).await? {
        Checkout::Begun(begun) => begun,
        Checkout::New(request) => {
            let buyer = app.gate.identity.find_user(&caller.user_id).await?;
            let new = NewCheckout {
                variant: offer.variant,
                email: buyer.as_ref().map(|buyer| buyer.email.as_str()),
                name: buyer.as_ref().map(|buyer| buyer.full_name.as_str()),
                redirect_url: &success_url,
                custom: &[(CHECKOUT, &request.reference)],
                expires_at: request.payable_until,
            };
            let made = app.desk.store.create_checkout(&new).await.map_err(|fault| store::refused(&fault))?;
            app.subscriptions.begun(request, made.id, made.attributes.url).await?
        }
    };
    let Begun { url, checkout_id, .. } = begun;
    Ok(Reply(StatusCode::OK, json!({"checkout_url": url, "checkout_id": checkout_id})))
}

/// What a plan is sold as.
pub(crate) fn offer(app: &App, plan: Plan) -> Result<Offer, Error> {
    let offer = app.subscriptions.offers().of_plan(plan);
    offer.ok_or_else(|| Error::invalid("plan_id", "is not for sale here: GET /billing/plans lists what is"))
}
