//! The worker API's services over HTTP: `/api/llm/…` and `/api/captcha/…` for workers (contracts/worker-api.md), and the sites whose captchas
//! may be solved, `/api/captcha/domains`, for administrators (docs/api/worker-api.md).

mod captcha;
mod document;
mod domains;
mod input;
mod llm;
mod once;
mod settings;

use std::sync::Arc;

use api::RateLimiter;
use api::identity::Identity;
use api::worker::{Gate, SERVICES, gated};
use axum::Router;
use axum::routing::{get, post};
use outbound::Outbound;
use parameters::Parameters;
use providers::captcha::Captchas;
use providers::llm::Llm;
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use utoipa::OpenApi;
use worker::Records;

use self::settings::{Settings, TextSettings};

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    records: Records,
    llm: Llm,
    texts: Arc<TextSettings>,
    captchas: Captchas,
    gate: Gate,
}

impl App {
    /// What the environment names: `WORKER_TABLE`, `IDENTITY_TABLE`, `LIMITS_TABLE`, and the operator's choice of providers (`settings.rs`).
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let client = dynamodb(&config);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), &setting(name)?));
        let gate = Gate {
            identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            limit: SERVICES,
        };
        let Settings { keys, addresses, texts, captchas, time_limit } = settings::from_environment()?;
        let (keys, outbound) = (Parameters::new(&config, keys), Arc::new(Outbound::new(time_limit)));
        Ok(Self {
            records: Records::new(table("WORKER_TABLE")?, clock),
            llm: Llm::new(Arc::clone(&outbound), keys.clone(), addresses, time_limit),
            texts: Arc::new(texts),
            captchas: Captchas::new(outbound, keys, captchas),
            gate,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(llm::generate, captcha::solve, domains::list, domains::show, domains::list_one, domains::unlist,))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let domain = get(domains::show).put(domains::list_one).delete(domains::unlist);
    let routes = Router::new()
        .route("/api/llm/generate", post(llm::generate))
        .route("/api/captcha/solve", post(captcha::solve))
        .route("/api/captcha/domains", get(domains::list))
        .route("/api/captcha/domains/{domain}", domain)
        .with_state(app);
    gated(routes, gate)
}
