//! `/webhooks/{webhook_id}/test` and `/webhooks/{webhook_id}/attempts`.

use std::time::Duration;

use api::RateLimit;
use api::extract_cloud::{Caller, Error, Path, Reply};
use api::identity::Permission;
use api::query::Parameters;
use axum::extract::State;
use axum::http::StatusCode;
use input::Fault;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::document::{AttemptQuery, WebhookPath};
use crate::endpoints::{may_change, refused};
use crate::view::AttemptsView;

/// The longest cursor that is read, in characters.
pub(crate) const LONGEST_CURSOR: usize = 200;
/// How often one webhook is tested, by whichever key: whoever else's server it is would have to bear more.
const TESTS: RateLimit = RateLimit { scope: "webhook-test", requests: 10, window: Duration::from_mins(1) };

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub(crate) struct Queued {
    message: &'static str,
    delivery_id: String,
    event: String,
}

/// `POST /webhooks/{webhook_id}/test`: sends a `webhook.test` event, once; what came of it is among the attempts.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/test", tag = "Webhooks", params(WebhookPath),
    responses((status = 202, body = Queued)))]
pub(crate) async fn test(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Reply<Queued>, Error> {
    may_change(&caller)?;
    let endpoint = app.endpoints.get(&caller.user_id, id).await.map_err(refused)?;
    let decision = app.gate.limiter.hit(&format!("WEBHOOK#{id}"), TESTS).await?;
    if !decision.allowed {
        return Err(Error::RateLimited(decision.retry_after));
    }
    let delivery = app.deliveries.test(&endpoint).await?;
    let told = Queued { message: "Test event queued", delivery_id: delivery.id, event: delivery.event };
    Ok(Reply(StatusCode::ACCEPTED, told))
}

/// `GET /webhooks/{webhook_id}/attempts`: what came of each attempt of the last month, the newest first, by page.
#[utoipa::path(get, path = "/webhooks/{webhook_id}/attempts", tag = "Webhooks", params(WebhookPath, AttemptQuery),
    responses((status = 200, body = AttemptsView)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    query: Parameters,
) -> Result<Reply<AttemptsView>, Error> {
    caller.require(Permission::TasksRead)?;
    let limit = u32::try_from(query.limit()?).unwrap_or_default();
    let cursor = query.text("cursor", LONGEST_CURSOR)?;
    let endpoint = app.endpoints.get(&caller.user_id, id).await.map_err(refused)?;
    let page = app.deliveries.attempts(&endpoint, limit, cursor).await?;
    let page = page.ok_or_else(|| Fault::new("cursor", "must be a next_cursor of this list"))?;
    Ok(Reply(StatusCode::OK, AttemptsView::of(id, page)))
}
