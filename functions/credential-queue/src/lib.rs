//! The credential queue over HTTP: `/api/scraper-credentials/queue/…` for scrapers (contracts/credential-queue.md) and
//! `/api/scraper-credentials/admin/…` for administrators (docs/api/credential-queue.md).

mod admin;
mod input;
mod queue;

use api::identity::Identity;
use api::scraper_credentials::gated;
use axum::Router;
use axum::routing::{delete, get, post};
use credentials::Credentials;
use credentials::audit::Trail;
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    credentials: Credentials,
    identity: Identity,
    events: Table,
    trail: Trail,
    clock: Clock,
}

impl App {
    /// What the environment names: `CREDENTIALS_TABLE`, `CREDENTIALS_KEY`, `IDENTITY_TABLE`, `EVENTS_TABLE`.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let client = dynamodb(&config);
        let events = Table::new(client.clone(), &setting("EVENTS_TABLE")?);
        Ok(Self {
            credentials: Credentials::from_environment(&config, clock.clone())?,
            identity: Identity::new(Table::new(client, &setting("IDENTITY_TABLE")?), clock.clone()),
            trail: Trail::new(events.clone()),
            events,
            clock,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    queue::next,
    queue::success,
    queue::failure,
    queue::release,
    queue::heartbeat,
    admin::platforms::list,
    admin::platforms::show,
    admin::platforms::set,
    admin::platforms::statistics,
    admin::credentials::list,
    admin::credentials::create,
    admin::import::import,
    admin::credentials::show,
    admin::credentials::edit,
    admin::credentials::delete,
    admin::credentials::disable,
    admin::credentials::enable,
    admin::credentials::reset,
    admin::credentials::take_back,
    admin::credentials::audit,
    admin::keys::list,
    admin::keys::create,
    admin::keys::revoke,
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let identity = app.identity.clone();
    let queue = Router::new()
        // One name for a platform and a number: a router wants one name at one place.
        .route("/{which}/next", get(queue::next).head(queue::no_next))
        .route("/{which}/success", post(queue::success))
        .route("/{which}/failure", post(queue::failure))
        .route("/{which}/release", post(queue::release))
        .route("/{which}/heartbeat", post(queue::heartbeat));
    let admin = Router::new()
        .route("/platforms", get(admin::platforms::list))
        .route("/platforms/{name}", get(admin::platforms::show).put(admin::platforms::set))
        .route("/pools/{name}", get(admin::platforms::statistics))
        .route("/credentials", get(admin::credentials::list).post(admin::credentials::create))
        .route("/credentials/import", post(admin::import::import))
        .route(
            "/credentials/{id}",
            get(admin::credentials::show).patch(admin::credentials::edit).delete(admin::credentials::delete),
        )
        .route("/credentials/{id}/disable", post(admin::credentials::disable))
        .route("/credentials/{id}/enable", post(admin::credentials::enable))
        .route("/credentials/{id}/reset", post(admin::credentials::reset))
        .route("/credentials/{id}/release", post(admin::credentials::take_back))
        .route("/credentials/{id}/audit", get(admin::credentials::audit))
        .route("/keys", get(admin::keys::list).post(admin::keys::create))
        .route("/keys/{id}", delete(admin::keys::revoke));
    let routes = Router::new()
        .nest("/api/scraper-credentials/queue", queue)
        .nest("/api/scraper-credentials/admin", admin)
        .with_state(app);
    gated(routes, identity)
}
