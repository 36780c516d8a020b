//! The worker API's tasks over HTTP: `/api/tasks/…` for workers (contracts/worker-api.md), and `/api/tasks` and `/api/campaigns` for
//! administrators (docs/api/worker-api.md).

mod administration;
mod document;
mod input;
mod view;
mod work;

use api::RateLimiter;
use api::identity::Identity;
use api::worker::{Gate, TASKS, gated};
use axum::Router;
use axum::routing::{get, post, put};
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;
use worker::{Records, Tasks};

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    records: Records,
    tasks: Tasks,
    gate: Gate,
    clock: Clock,
}

impl App {
    /// What the environment names: `WORKER_TABLE`, `IDENTITY_TABLE`, `LIMITS_TABLE`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (client, clock) = (dynamodb(&configure()?), Clock::system());
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        let records = Records::new(table("WORKER_TABLE")?, clock.clone());
        let gate = Gate {
            identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            limit: TASKS,
        };
        Ok(Self { tasks: Tasks::new(records.clone()), records, gate, clock })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    work::pending,
    work::claim,
    work::lock,
    work::heartbeat,
    work::unlock,
    work::report,
    administration::show_task,
    administration::list_tasks,
    administration::create_tasks,
    administration::show_campaign,
    administration::list_campaigns,
    administration::create_campaign,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let tasks = Router::new()
        .route("/pending", get(work::pending))
        .route("/claim", post(work::claim))
        .route("/{id}/lock", post(work::lock))
        .route("/{id}/heartbeat", post(work::heartbeat))
        .route("/{id}/unlock", post(work::unlock))
        .route("/{id}/status", put(work::report))
        .route("/{id}", get(administration::show_task))
        .route("/", get(administration::list_tasks).post(administration::create_tasks));
    let campaigns = Router::new()
        .route("/{id}", get(administration::show_campaign))
        .route("/", get(administration::list_campaigns).post(administration::create_campaign));
    let routes = Router::new().nest("/api/tasks", tasks).nest("/api/campaigns", campaigns).with_state(app);
    gated(routes, gate)
}
