//! The extraction cloud's users over HTTP: signing in and out and who is signed in, `/auth/…`, and their API keys, `/api-keys`
//! (contracts/extract-cloud.md).

mod discovery;
mod document;
mod google;
mod input;
mod keys;
mod me;
mod provider;
mod settings;
mod token;
mod view;

use std::sync::Arc;

use api::extract_cloud::{Error, Gate, gated};
use axum::Router;
use axum::routing::{delete, get, post};
use extract::{Accounts, CloudAccount};
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;

use self::provider::Provider;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    accounts: Accounts,
    provider: Arc<Provider>,
    key_prefixes: settings::KeyPrefixes,
    gate: Gate,
}

impl App {
    /// What the environment names: `EXTRACT_TABLE`, what the gate asks for, and the operator's choice of an identity provider (`settings.rs`).
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let accounts = Table::new(dynamodb(&config), &setting("EXTRACT_TABLE")?);
        Ok(Self {
            accounts: Accounts::new(accounts, clock.clone()),
            provider: Arc::new(Provider::new(&config, settings::provider_from_environment()?)),
            key_prefixes: settings::KeyPrefixes::from_environment()?,
            gate: Gate::from_environment(&config, clock)?,
        })
    }
}

/// The account of a user: there is none without the other.
async fn account_of(app: &App, user: &str) -> Result<CloudAccount, Error> {
    app.accounts.get(user).await?.ok_or_else(|| {
        tracing::error!(user, "a user has no account");
        Error::Internal
    })
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(
    google::begin,
    google::finish,
    me::show,
    me::update,
    me::logout,
    keys::list,
    keys::create,
    keys::deactivate
))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/auth/google", get(google::begin).post(google::finish))
        .route("/auth/me", get(me::show).put(me::update))
        .route("/auth/logout", post(me::logout))
        .route("/api-keys", get(keys::list).post(keys::create))
        .route("/api-keys/{key_id}", delete(keys::deactivate))
        .with_state(app);
    gated(routes, gate, &["/auth/google"])
}
