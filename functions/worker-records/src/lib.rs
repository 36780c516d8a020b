//! The worker API's records over HTTP: `/api/backlinks`, `/api/site-accounts` and `/api/proxies` (contracts/worker-api.md), with what
//! administrators do with them (docs/api/worker-api.md).

mod backlinks;
mod document;
mod listing;
mod proxies;
mod site_accounts;
mod tracked;
mod view;

use api::RateLimiter;
use api::identity::Identity;
use api::worker::{Gate, OTHERS, gated};
use axum::Router;
use axum::routing::{get, post};
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;
use worker::{Proxies, Records};

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    records: Records,
    proxies: Proxies,
    gate: Gate,
    clock: Clock,
}

impl App {
    /// What the environment names: `WORKER_TABLE`, `WORKER_KEY`, `PROXY_ERRORS`, `PROXY_REST_SECONDS`, `IDENTITY_TABLE`, `LIMITS_TABLE`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let client = dynamodb(&config);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        let records = Records::new(table("WORKER_TABLE")?, clock.clone());
        let gate = Gate {
            identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            limit: OTHERS,
        };
        Ok(Self { proxies: Proxies::from_environment(&config, records.clone())?, records, gate, clock })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    backlinks::list,
    backlinks::create,
    backlinks::show,
    backlinks::update,
    site_accounts::list,
    site_accounts::create,
    site_accounts::show,
    site_accounts::update,
    proxies::usable,
    proxies::create,
    proxies::inventory,
    proxies::show,
    proxies::update,
    proxies::delete,
    proxies::success,
    proxies::failure,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let backlinks = Router::new()
        .route("/{id}", get(backlinks::show).put(backlinks::update))
        .route("/", get(backlinks::list).post(backlinks::create));
    let site_accounts = Router::new()
        .route("/{id}", get(site_accounts::show).put(site_accounts::update))
        .route("/", get(site_accounts::list).post(site_accounts::create));
    let proxies = Router::new()
        .route("/{id}/success", post(proxies::success))
        .route("/{id}/failure", post(proxies::failure))
        .route("/inventory", get(proxies::inventory))
        .route("/{id}", get(proxies::show).put(proxies::update).delete(proxies::delete))
        .route("/", get(proxies::usable).post(proxies::create));
    let routes = Router::new()
        .nest("/api/backlinks", backlinks)
        .nest("/api/site-accounts", site_accounts)
        .nest("/api/proxies", proxies)
        .with_state(app);
    gated(routes, gate)
}
