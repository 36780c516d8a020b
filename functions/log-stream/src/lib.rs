//! `/logs/stream` (contracts/portal-jobs.md, "Logging"): the log lines of a caller's portal jobs, or of one of them, as they come, as Server-Sent Events.
//!
//! Where the gateway streams answers, a connection gets each line within a second or two, until the function's time is nearly over; where it buffers
//! them, it gets what there is at once. Either way an `EventSource` comes again from where it was: each event has the place behind it as its id
//! ([`jobs::Place`]), by which nothing is lost or repeated.

mod asked;
mod caller;
mod event;
mod followed;
mod pace;
mod stream;

use api::{RateLimiter, identity::Identity};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use identity::Sessions;
use jobs::Feeds;
use parameters::Parameters;
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};

use crate::caller::Gate;

/// The `job_kind` of portal jobs.
const KIND: &str = "portal";

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
    /// What the environment names: `EVENTS_TABLE`, `PORTAL_TABLE`, `LIMITS_TABLE`, `IDENTITY_TABLE`, `SESSION_KEYS`, and `RESPONSE_STREAMING`, `true`
    /// or `false`.
    pub fn from_environment() -> Result<Self, SettingError> {
        const STREAMING: &str = "RESPONSE_STREAMING";
        let (config, clock) = (configure()?, Clock::system());
        let client = dynamodb(&config);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        let streaming = setting(STREAMING)?;
        Ok(Self {
            streams: streaming.parse().map_err(|_| SettingError::Unusable(STREAMING, streaming))?,
            feeds: Feeds::new(KIND, table("EVENTS_TABLE")?, clock.clone()),
            jobs: table("PORTAL_TABLE")?,
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            gate: Gate {
                sessions: Sessions::new(Parameters::new(&config, setting("SESSION_KEYS")?), clock.clone()),
                identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            },
            clock,
        })
    }
}

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new().route("/logs/stream", get(stream::show)).with_state(app);
    routes
        .layer(from_fn_with_state(gate, caller::admit))
        .layer(axum::middleware::from_fn(|request, next| api::bare_errors(caller::Error::of_status, request, next)))
}
