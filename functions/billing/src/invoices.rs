//! `GET /billing/invoices`: what was charged.

use std::cmp::Reverse;

use api::extract_cloud::{Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use lemon_squeezy::{Invoice, InvoiceStatus, Resource};
use serde_json::{Value as Json, json};

use crate::document::InvoiceView;
use crate::{App, store};

/// `GET /billing/invoices`: the invoices of all of a user's subscriptions, the newest first. They are Lemon Squeezy's, which alone knows what became
/// of each.
#[utoipa::path(get, path = "/billing/invoices", tag = "Billing",
    responses((status = 200, body = Vec<InvoiceView>), (status = 502)))]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Reply<Vec<Json>>, Error> {
    caller.require(Permission::BillingManage)?;
    let billing = app.subscriptions.billing(&caller.user_id).await?;
    let ids: Vec<_> = billing.subscriptions.iter().map(|known| known.id).collect();
    let invoices = app.desk.store.invoices(&ids, app.desk.time_limit).await;
    let mut invoices = invoices.map_err(|fault| store::refused(&fault))?;
    invoices.sort_by_key(|invoice| Reverse((invoice.attributes.created_at, invoice.number())));
    Ok(Reply(StatusCode::OK, invoices.iter().map(shown).collect()))
}

fn shown(Resource { id, attributes }: &Resource<Invoice>) -> Json {
    // What has changed last of a paid invoice is that it was paid.
    let paid_at = (attributes.status == InvoiceStatus::Paid).then(|| attributes.updated_at.to_string());
    json!({
        "id": id,
        "number": format!("INV-{id}"),
        "amount": amount(attributes.total),
        "currency": attributes.currency,
        "status": attributes.status.as_str(),
        "created_at": attributes.created_at.to_string(),
        // It is due when it is made.
        "due_date": attributes.created_at.to_string(),
        "paid_at": paid_at,
        "download_url": attributes.download_url(),
    })
}

/// Hundredths as an amount.
fn amount(hundredths: i64) -> f64 {
    let bounded = hundredths.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    f64::from(i32::try_from(bounded).unwrap_or_default()) / 100.0
}
