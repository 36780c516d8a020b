//! `/health`.

use std::time::Duration;

use api::extract_cloud::Reply;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value as Json, json};
use table::{Key, Table};

use crate::App;

/// A part that has not answered by then counts as unhealthy.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health`: the contract's keys (`database`: the tables; `redis`: the table of limits; `celery`: the queue of the workers), and
/// 503 if one of them does not answer.
pub(crate) async fn show(State(app): State<App>) -> Reply<Json> {
    let (database, limits, queue) =
        tokio::join!(answers(&app.jobs.table), answers(&app.limits), within(app.jobs.queue.is_reachable()));
    let healthy = database && limits && queue;
    let body = json!({
        "status": word(healthy),
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": app.jobs.clock.now().to_string(),
        "database": word(database),
        "redis": word(limits),
        "celery": word(queue),
        "tables": word(database),
        "limits": word(limits),
        "queue": word(queue),
    });
    Reply(if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body)
}

async fn answers(table: &Table) -> bool {
    within(async { table.get_item(&Key::new("HEALTH", "HEALTH"), false).await.is_ok() }).await
}

async fn within(check: impl Future<Output = bool>) -> bool {
    tokio::time::timeout(PATIENCE, check).await.unwrap_or(false)
}

const fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}
