//! The extraction cloud's plans and subscriptions over HTTP: `/billing` (contracts/extract-cloud.md), and the webhooks by which Lemon Squeezy tells what
//! was paid (docs/api/extract-cloud.md). What a user asks for is asked of Lemon Squeezy; what they have follows from its webhooks alone.

mod changes;
mod checkout;
mod document;
mod input;
mod invoices;
mod plans;
mod portal;
mod settings;
mod store;
mod subscription;
mod view;
mod webhook;

use api::extract_cloud::{Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use jobs::Jobs;
use subscriptions::Subscriptions;
use table::aws::{SettingError, configure};
use utoipa::OpenApi;

use self::store::SalesDesk;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    subscriptions: Subscriptions,
    jobs: Jobs,
    desk: SalesDesk,
    gate: Gate,
}

impl App {
    /// What the environment names: `EXTRACT_TABLE`, `EVENTS_TABLE`, `EXTRACT_QUEUE_URL`, `JOB_LEASE_SECONDS`, what the gate asks for, and the operator's store (`settings.rs`).
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        let settings = settings::from_environment()?;
        let jobs = extract::open(&config)?;
        Ok(Self {
            subscriptions: Subscriptions::new(jobs.table.clone(), settings.offers.clone(), jobs.clock.clone()),
            desk: SalesDesk::new(&config, settings),
            gate: Gate::from_environment(&config, jobs.clock.clone())?,
            jobs,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    plans::list,
    subscription::show,
    changes::change_plan,
    changes::cancel,
    changes::resume,
    checkout::create,
    portal::show,
    invoices::list,
    webhook::receive,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/billing/plans", get(plans::list))
        .route("/billing/subscription", get(subscription::show).put(changes::change_plan))
        .route("/billing/subscription/cancel", post(changes::cancel))
        .route("/billing/subscription/resume", post(changes::resume))
        .route("/billing/create-checkout", post(checkout::create))
        .route("/billing/portal", post(portal::show))
        .route("/billing/invoices", get(invoices::list))
        .route("/billing/webhooks/lemon-squeezy", post(webhook::receive))
        .with_state(app);
    gated(routes, gate, &["/billing/plans", "/billing/webhooks/lemon-squeezy"])
}
