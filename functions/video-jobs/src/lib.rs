//! Video jobs over HTTP (contracts/video-jobs.md): `/api/v1/jobs`, `/api/v1/videos` and `/api/v1/stats`.

mod document;
mod jobs;
mod query;
mod stats;
mod videos;
mod view;

use api::video::{Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use table::Table;
use table::aws::{SettingError, configure, dynamodb, setting};
use utoipa::OpenApi;

use ::videos::VideoJobs;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    jobs: VideoJobs,
    gate: Gate,
    /// Whether files go to Google Drive.
    has_drive: bool,
}

impl App {
    /// What the environment names: what `videos::open` and [`Gate::from_environment`] read, and `GOOGLE_DRIVE_FOLDER`, which is empty where files
    /// do not go to Google Drive.
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        let client = dynamodb(&config);
        let jobs = ::videos::open(&config)?;
        let table = |name| Ok(Table::new(client.clone(), &setting(name)?));
        let gate = Gate::from_environment(table, &jobs.jobs.clock)?;
        let has_drive = setting("GOOGLE_DRIVE_FOLDER").is_ok_and(|folder| !folder.is_empty());
        Ok(Self { jobs, gate, has_drive })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    jobs::create,
    jobs::list,
    jobs::show,
    jobs::cancel,
    jobs::delete,
    videos::list,
    videos::show,
    videos::retry,
    videos::delete,
    stats::show,
    stats::health,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/jobs", get(jobs::list).post(jobs::create))
        .route("/jobs/{job_id}", get(jobs::show).delete(jobs::delete))
        .route("/jobs/{job_id}/cancel", post(jobs::cancel))
        .route("/videos", get(videos::list))
        .route("/videos/{video_id}", get(videos::show).delete(videos::delete))
        .route("/videos/{video_id}/retry", post(videos::retry))
        .route("/stats", get(stats::show))
        .route("/stats/health", get(stats::health));
    gated(Router::new().nest("/api/v1", routes).with_state(app), gate)
}
