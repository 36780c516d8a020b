//! `POST /billing/portal`: where a customer manages cards and addresses.

use api::extract_cloud::{Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use crate::document::PortalAddress;
use crate::{App, store};

const NO_CUSTOMER: Error = Error::NotFound("Nothing was bought yet: there is no portal");

/// `POST /billing/portal`: the address of the customer's portal, good for a day.
#[utoipa::path(post, path = "/billing/portal", tag = "Billing",
    responses((status = 200, body = PortalAddress), (status = 404), (status = 502)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Reply<Json>, Error> {
    caller.require(Permission::BillingManage)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    let known =
        billing.current(app.subscriptions.offers()).and_then(|known| known.state.as_ref()).ok_or(NO_CUSTOMER)?;
    let customer = app.desk.store.customer(known.customer).await.map_err(|fault| store::refused(&fault))?;
    let portal = customer.attributes.portal().ok_or(NO_CUSTOMER)?;
    Ok(Reply(StatusCode::OK, json!({"portal_url": portal})))
}
