//! `/admin/system-metrics`.

use api::extract_cloud::{Caller, Error, Reply};
use axum::extract::State;
use axum::http::StatusCode;
use jobs::usage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// The contract's metrics object, and beside it how all tasks ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metrics {
    active_users: u64,
    total_tasks: u64,
    active_tasks: u64,
    completed_tasks: u64,
    failed_tasks: u64,
    cancelled_tasks: u64,
    compute_units_consumed: u64,
    queue_length: u64,
    timestamp: String,
}

/// `GET /admin/system-metrics`: what all users did, for who runs this deployment.
#[utoipa::path(get, path = "/admin/system-metrics", tag = "System", responses((status = 200, body = Metrics)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Reply<Metrics>, Error> {
    if !caller.is_operator {
        return Err(Error::Authorization("Only an operator of this deployment may see its metrics".to_owned()));
    }
    let (totals, queue_length) = tokio::join!(usage::totals(&app.jobs.table), app.jobs.queue.length());
    let (totals, queue_length) = (totals?, queue_length.ok_or(Error::Internal)?);
    let metrics = Metrics {
        active_users: totals.accounts,
        total_tasks: totals.submitted,
        active_tasks: totals.open(),
        completed_tasks: totals.completed,
        failed_tasks: totals.failed,
        cancelled_tasks: totals.cancelled,
        compute_units_consumed: totals.units_used,
        queue_length,
        timestamp: app.jobs.clock.now().to_string(),
    };
    Ok(Reply(StatusCode::OK, metrics))
}
