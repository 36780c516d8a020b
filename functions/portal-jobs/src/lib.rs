//! Portal jobs over HTTP (contracts/portal-jobs.md): `/auth/login`, `/cpcb` and `/pwmr`, with what administrators do there (docs/api/portal-jobs.md).

mod admin;
mod document;
mod download;
mod login;
mod pwmr;
mod queue;
mod view;

use api::RateLimiter;
use api::portal::{Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use jobs::Results;
use portals::{Accounts, PortalJobs};
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    jobs: PortalJobs,
    accounts: Accounts,
    results: Results,
    gate: Gate,
    limiter: RateLimiter,
}

impl App {
    /// What the environment names: what [`portals::open`], [`Accounts::from_environment`] and [`Gate::from_environment`] read, `LIMITS_TABLE` and
    /// `RESULTS_BUCKET`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let limits = Table::new(dynamodb(&config), &setting("LIMITS_TABLE")?);
        Ok(Self {
            jobs: portals::open(&config)?,
            accounts: Accounts::from_environment(&config, clock.clone())?,
            results: Results::new(&config, setting("RESULTS_BUCKET")?),
            gate: Gate::from_environment(&config, &clock)?,
            limiter: RateLimiter::new(limits, clock),
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    login::log_in,
    queue::start_pwmr,
    queue::start_bwmr,
    queue::start_ewmr,
    queue::list,
    queue::show,
    queue::delete,
    download::download,
    pwmr::scrape,
    pwmr::list,
    pwmr::show,
    admin::users::list,
    admin::users::create,
    admin::users::show,
    admin::users::change,
    admin::users::delete,
    admin::accounts::list,
    admin::accounts::create,
    admin::accounts::show,
    admin::accounts::change,
    admin::accounts::delete,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let administration = Router::new()
        .route("/users", get(admin::users::list).post(admin::users::create))
        .route("/users/{username}", get(admin::users::show).patch(admin::users::change).delete(admin::users::delete))
        .route("/accounts", get(admin::accounts::list).post(admin::accounts::create))
        .route(
            "/accounts/{tenant}/{portal}/{email}",
            get(admin::accounts::show).put(admin::accounts::change).delete(admin::accounts::delete),
        );
    let routes = Router::new()
        .route("/auth/login", post(login::log_in))
        .route("/cpcb/pwmr", post(queue::start_pwmr))
        .route("/cpcb/bwmr", post(queue::start_bwmr))
        .route("/cpcb/ewmr", post(queue::start_ewmr))
        .route("/cpcb/queue", get(queue::list))
        .route("/cpcb/queue/job/{job_id}", get(queue::show).delete(queue::delete))
        .route("/cpcb/queue/job/{job_id}/download", get(download::download))
        .route("/pwmr/scrape", post(pwmr::scrape))
        .route("/pwmr/jobs", get(pwmr::list))
        .route("/pwmr/status/{job_id}", get(pwmr::show))
        .nest("/cpcb/admin", administration)
        .with_state(app);
    gated(routes, gate)
}
