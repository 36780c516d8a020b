//! `/health`.

use std::time::Duration;

use api::extract_cloud::Reply;
use axum::extract::State;
use axum::http::StatusCode;
use input::schema::schema::Object;
use input::schema::{moment, one_of};
use serde::Serialize;
use table::{Key, Table};
use utoipa::ToSchema;

use crate::App;

/// A part that has not answered by then counts as unhealthy.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the parts of the system are.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "status": "healthy", "version": "1.0.0", "timestamp": "2024-01-15T10:30:00Z", "database": "healthy", "redis": "healthy",
    "celery": "healthy", "tables": "healthy", "limits": "healthy", "queue": "healthy",
}))]
pub(crate) struct Health {
    /// `healthy` if all of them are.
    #[schema(schema_with = words)]
    status: &'static str,
    version: &'static str,
    #[schema(schema_with = moment)]
    timestamp: String,
    /// The tables.
    #[schema(schema_with = words)]
    database: &'static str,
    /// The table of limits.
    #[schema(schema_with = words)]
    redis: &'static str,
    /// The queue of the workers.
    #[schema(schema_with = words)]
    celery: &'static str,
    #[schema(schema_with = words)]
    tables: &'static str,
    #[schema(schema_with = words)]
    limits: &'static str,
    #[schema(schema_with = words)]
    queue: &'static str,
}

fn words() -> Object {
    one_of([word(true), word(false)])
}

/// `GET /health`: the contract's keys (`database`: the tables; `redis`: the table of limits; `celery`: the queue of the workers), and
/// 503 if one of them does not answer.
#[utoipa::path(get, path = "/health", tag = "System", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn show(State(app): State<App>) -> Reply<Health> {
    let (database, limits, queue) =
        tokio::join!(answers(&app.jobs.table), answers(&app.limits), within(app.jobs.queue.is_reachable()));
    let healthy = database && limits && queue;
    let body = Health {
        status: word(healthy),
        version: env!("CARGO_PKG_VERSION"),
        timestamp: app.jobs.clock.now().to_string(),
        database: word(database),
        redis: word(limits),
        celery: word(queue),
        tables: word(database),
        limits: word(limits),
        queue: word(queue),
    };
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
