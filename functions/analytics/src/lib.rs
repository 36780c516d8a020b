//! What the extraction cloud's users did, over HTTP: `/analytics` and `/admin` (contracts/extract-cloud.md, "Analytics and Usage" and "System and
//! Health"). Everything comes from counters that are kept as things happen (`jobs::usage`).

mod dashboard;
mod range;
mod system;
mod usage;

use api::extract_cloud::{Gate, gated};
use axum::Router;
use axum::routing::get;
use extract::{Accounts, Tasks};
use jobs::Jobs;
use table::aws::{SettingError, configure};
use utoipa::OpenApi;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    accounts: Accounts,
    tasks: Tasks,
    jobs: Jobs,
    gate: Gate,
}

impl App {
    /// What the environment names: `EXTRACT_TABLE`, `EVENTS_TABLE`, `EXTRACT_QUEUE_URL`, `JOB_LEASE_SECONDS`, and what the gate asks for.
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        let jobs = extract::open(&config)?;
        let clock = jobs.clock.clone();
        let gate = Gate::from_environment(&config, clock.clone())?;
        Ok(Self { accounts: Accounts::new(jobs.table.clone(), clock), tasks: Tasks::new(jobs.clone()), jobs, gate })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(usage::show, dashboard::show, system::show))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/analytics/usage", get(usage::show))
        .route("/analytics/dashboard", get(dashboard::show))
        .route("/admin/system-metrics", get(system::show))
        .with_state(app);
    gated(routes, gate, &[])
}
