//! Schedules of video jobs over HTTP (contracts/video-jobs.md): `/api/v1/scheduled-jobs`.

mod document;
mod schedules;
mod view;

use api::video::{Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use table::Table;
use table::aws::{SettingError, configure, dynamodb, setting};
use utoipa::OpenApi;
use videos::Schedules;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    schedules: Schedules,
    gate: Gate,
}

impl App {
    /// What the environment names: what `videos::open` and [`Gate::from_environment`] read.
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        let client = dynamodb(&config);
        let jobs = videos::open(&config)?;
        let table = |name| Ok(Table::new(client.clone(), &setting(name)?));
        let gate = Gate::from_environment(table, &jobs.jobs.clock)?;
        Ok(Self { schedules: Schedules::new(jobs), gate })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    schedules::create,
    schedules::list,
    schedules::show,
    schedules::change,
    schedules::toggle,
    schedules::delete,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/", get(schedules::list).post(schedules::create))
        .route("/{job_id}", get(schedules::show).patch(schedules::change).delete(schedules::delete))
        .route("/{job_id}/toggle", post(schedules::toggle));
    gated(Router::new().nest("/api/v1/scheduled-jobs", routes).with_state(app), gate)
}
