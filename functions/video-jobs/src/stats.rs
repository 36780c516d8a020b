//! `/stats` and `/stats/health`.

use api::video::{Error, Tenant};
use axum::Json as Answer;
use axum::extract::State;

use crate::App;
use crate::view::{DEGRADED, HEALTHY, HealthView, StatsView};

/// `GET /stats`: what is counted of the caller's jobs, videos and schedules.
#[utoipa::path(get, path = "/api/v1/stats", tag = "Video statistics",
    responses((status = 200, body = StatsView)))]
pub(crate) async fn show(State(app): State<App>, Tenant(tenant): Tenant) -> Result<Answer<StatsView>, Error> {
    Ok(Answer(StatsView::of(&app.jobs.overview(&tenant).await?)))
}

/// `GET /stats/health`: whether what the video jobs need is there.
#[utoipa::path(get, path = "/api/v1/stats/health", tag = "Video statistics",
    responses((status = 200, body = HealthView)))]
pub(crate) async fn health(State(app): State<App>, _: Tenant) -> Answer<HealthView> {
    let scheduler = app.jobs.scheduler_runs().await;
    let database = scheduler.as_ref().inspect_err(|error| tracing::warn!(%error, "the table does not answer")).is_ok();
    let scheduler = scheduler.unwrap_or(false);
    let status = if database && scheduler { HEALTHY } else { DEGRADED };
    let timestamp = app.jobs.jobs.clock.now().to_string();
    Answer(HealthView {
        status,
        version: env!("CARGO_PKG_VERSION"),
        timestamp,
        database,
        google_drive: app.has_drive,
        scheduler,
    })
}
