//! The extraction cloud's webhooks over HTTP: `/webhooks` (docs/api/extract-cloud.md, "Webhooks").

mod attempts;
mod document;
mod endpoints;
mod view;

use api::extract_cloud::{Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use scraping::{AddressPolicy, Settings};
use table::Clock;
use table::aws::{SettingError, configure};
use utoipa::OpenApi;
use webhooks::{Deliveries, Endpoints};

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    endpoints: Endpoints,
    deliveries: Deliveries,
    addresses: AddressPolicy,
    gate: Gate,
}

impl App {
    /// What the environment names: `WEBHOOKS_TABLE`, `WEBHOOKS_QUEUE_URL`, `WEBHOOKS_KEY`, `IDENTITY_TABLE`, `LIMITS_TABLE`, `FETCH_ALLOW`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        Ok(Self {
            endpoints: webhooks::open_endpoints(&config, clock.clone())?,
            deliveries: webhooks::open_deliveries(&config, clock.clone())?,
            addresses: Settings::from_environment()?.addresses,
            gate: Gate::from_environment(&config, clock)?,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    endpoints::list,
    endpoints::create,
    endpoints::show,
    endpoints::update,
    endpoints::delete,
    endpoints::rotate_secret,
    attempts::test,
    attempts::list,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/webhooks", get(endpoints::list).post(endpoints::create))
        .route("/webhooks/{webhook_id}", get(endpoints::show).put(endpoints::update).delete(endpoints::delete))
        .route("/webhooks/{webhook_id}/rotate-secret", post(endpoints::rotate_secret))
        .route("/webhooks/{webhook_id}/test", post(attempts::test))
        .route("/webhooks/{webhook_id}/attempts", get(attempts::list))
        .with_state(app);
    gated(routes, gate, &[])
}
