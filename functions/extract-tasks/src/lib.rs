//! The extraction cloud's tasks over HTTP: `/tasks` and `/health` (contracts/extract-cloud.md). It also answers for every path that no
//! other function has.

mod document;
mod health;
mod logs;
mod query;
mod results;
mod tasks;
mod view;

use api::extract_cloud::{Gate, gated};
use axum::Router;
use axum::routing::get;
use extract::Tasks;
use jobs::{Jobs, Results};
use mail::MailRules;
use table::Table;
use table::aws::{SettingError, configure, dynamodb, setting};
use utoipa::OpenApi;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    tasks: Tasks,
    jobs: Jobs,
    results: Results,
    limits: Table,
    mail_rules: MailRules,
    gate: Gate,
}

impl App {
    /// What the environment names: `EXTRACT_TABLE`, `EVENTS_TABLE`, `EXTRACT_QUEUE_URL`, `RESULTS_BUCKET`, `JOB_LEASE_SECONDS`, `MAIL_ALLOW`,
    /// and what the gate asks for.
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        let jobs = extract::open(&config)?;
        Ok(Self {
            tasks: Tasks::new(jobs.clone()),
            results: Results::new(&config, setting("RESULTS_BUCKET")?),
            gate: Gate::from_environment(&config, jobs.clock.clone())?,
            mail_rules: MailRules::from_environment(),
            limits: Table::new(dynamodb(&config), &setting("LIMITS_TABLE")?),
            jobs,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    tasks::list,
    tasks::create,
    tasks::show,
    tasks::update,
    tasks::delete,
    logs::list,
    results::download,
    health::show,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/tasks", get(tasks::list).post(tasks::create))
        .route("/tasks/{task_id}", get(tasks::show).put(tasks::update).delete(tasks::delete))
        .route("/tasks/{task_id}/logs", get(logs::list))
        .route("/tasks/{task_id}/download", get(results::download))
        .route("/health", get(health::show))
        .with_state(app);
    gated(routes, gate, &["/health"])
}
