//! `/logs/stream` (contracts/portal-jobs.md, "Logging"): the log lines of a caller's portal jobs, or of one of them, as they come, as Server-Sent Events.
//!
//! Where the gateway streams answers, a connection gets each line within a second or two, until the function's time is nearly over; where it buffers
//! them, it gets what there is at once. Either way an `EventSource` comes again from where it was: each event has the place behind it as its id
//! ([`jobs::Place`]), by which nothing is lost or repeated.

mod asked;
mod document;
mod event;
mod followed;
mod pace;
mod stream;

use api::RateLimiter;
use api::portal::{Gate, gated};
use axum::Router;
use axum::routing::get;
use jobs::Feeds;
use table::aws::{SettingError, configure, dynamodb, setting, setting_as};
use table::{Clock, Table};
use utoipa::OpenApi;

/// What a request needs, made once per process.
#[derive(Clone)]
pub struct App {
    /// Whether the gateway passes an answer on as it is made.
    pub streams: bool,
    feeds: Feeds,
    jobs: Table,
    clock: Clock,
    limiter: RateLimiter,
    gate: Gate,
}

impl App {
    /// What the environment names: what [`portals::open_feeds`] and [`Gate::from_environment`] read, `PORTAL_TABLE`, `LIMITS_TABLE`, and
    /// `RESPONSE_STREAMING`, `true` or `false`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let client = dynamodb(&config);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        Ok(Self {
            streams: setting_as("RESPONSE_STREAMING")?,
            feeds: portals::open_feeds(&config, &clock)?,
            jobs: table("PORTAL_TABLE")?,
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            gate: Gate::from_environment(&config, &clock)?,
            clock,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(stream::show))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new().route("/logs/stream", get(stream::show)).with_state(app);
    gated(routes, gate)
}
