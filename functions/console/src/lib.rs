//! The console, `/console`: pages for who runs a deployment. What they show and do is `operations` and `tallies`; here is how it looks, and who may see
//! it. Every page is whole without a script, at most ten requests of DynamoDB, and names no host but its own (docs/decisions/0033-console.md).

mod asset;
mod fault;
mod forgery;
mod frame;
mod gate;
mod guard;
mod notice;
mod page;
mod root;
mod sign_in;
mod theme;
mod view;

use api::RateLimiter;
use api::identity::{Identity, Sessions};
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use operations::{Fleet, Operations, Pools};
use parameters::Parameters;
use secrets::Passwords;
use table::aws::{SettingError, configure, dynamodb, setting};
use table::{Clock, Table};
use tallies::Tallies;

use self::gate::{AUDIENCE, Gate};
use self::page::{
    audit, credentials as pools, import, job, jobs, letters, overview, proxies, schedule, schedules, tasks, usage,
};
use self::sign_in::{Provider, Ways};

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    operations: Operations,
    pools: Pools,
    fleet: Fleet,
    tallies: Tallies,
    gate: Gate,
    limiter: RateLimiter,
    passwords: Passwords,
    ways: Ways,
    clock: Clock,
}

impl App {
    /// What the environment names: what [`Operations`], [`Pools`], [`Fleet`] and [`Tallies`] read; `IDENTITY_TABLE` and `LIMITS_TABLE`;
    /// `SESSION_KEYS`, the folder of the extraction cloud's keys, and `CONSOLE_SESSION_KEYS`, that of the console's own; `CONSOLE_PASSWORDS`, whether
    /// one can sign in with a password; `OIDC_CLIENT_ID`, without which there is no identity provider, and `OIDC_REDIRECT_URL`, where that sends people
    /// back to.
    pub fn from_environment() -> Result<Self, SettingError> {
        let (config, clock) = (configure()?, Clock::system());
        let table = |name| Ok::<_, SettingError>(Table::new(dynamodb(&config), &setting(name)?));
        let keys = |folder| Ok::<_, SettingError>(Parameters::new(&config, setting(folder)?));
        Ok(Self {
            operations: Operations::from_environment(&config)?,
            pools: Pools::from_environment(&config, clock.clone())?,
            fleet: Fleet::from_environment(&config, clock.clone())?,
            tallies: Tallies::from_environment(&config, clock.clone())?,
            gate: Gate {
                identity: Identity::new(table("IDENTITY_TABLE")?, clock.clone()),
                sessions: Sessions::before(AUDIENCE, keys("CONSOLE_SESSION_KEYS")?, clock.clone()),
                cloud: Sessions::new(keys("SESSION_KEYS")?, clock.clone()),
            },
            limiter: RateLimiter::new(table("LIMITS_TABLE")?, clock.clone()),
            passwords: Passwords::new().map_err(|error| SettingError::Unusable("randomness", error.to_string()))?,
            ways: Ways {
                by_password: setting("CONSOLE_PASSWORDS")? == "true",
                provider: Provider::of(&setting("OIDC_CLIENT_ID")?, &setting("OIDC_REDIRECT_URL")?),
            },
            clock,
        })
    }
}

/// Every route of this function. A question stands at the address at which its answer is sent: `GET` asks, `POST` does.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/console", get(overview::show))
        .route("/console/assets/{name}", get(asset::serve))
        .route("/console/sign-in", get(sign_in::ask).post(sign_in::with_password))
        .route("/console/sign-in/session", post(sign_in::with_session))
        .route("/console/signed-in", get(sign_in::came_back))
        .route("/console/audit", get(audit::show))
        .route("/console/credentials", get(pools::list))
        .route("/console/credentials/import", get(import::ask).post(import::import))
        .route("/console/credentials/{id}", get(pools::show))
        .route("/console/credentials/{id}/{act}", get(pools::ask).post(pools::act))
        .route("/console/dead-letters", get(letters::list))
        .route("/console/dead-letters/purge", get(letters::ask_purge_many).post(letters::purge_many))
        .route("/console/dead-letters/{id}", get(letters::show))
        .route("/console/dead-letters/{id}/purge", get(letters::ask_purge).post(letters::purge))
        .route("/console/dead-letters/{id}/redrive", post(letters::redrive))
        .route("/console/jobs", get(jobs::list))
        .route("/console/jobs/find", get(jobs::find))
        .route("/console/jobs/{kind}/{id}", get(job::show))
        .route("/console/jobs/{kind}/{id}/cancel", get(job::ask_cancel).post(job::cancel))
        .route("/console/jobs/{kind}/{id}/log", get(job::log))
        .route("/console/jobs/{kind}/{id}/parts/{number}/retry", post(job::retry_part))
        .route("/console/jobs/{kind}/{id}/retry", post(job::retry))
        .route("/console/proxies", get(proxies::list))
        .route("/console/proxies/{id}/disable", get(proxies::ask_disable).post(proxies::disable))
        .route("/console/proxies/{id}/enable", post(proxies::enable))
        .route("/console/schedules", get(schedules::list))
        .route("/console/schedules/{kind}/{id}", get(schedule::show))
        .route("/console/schedules/{kind}/{id}/pause", post(schedule::pause))
        .route("/console/schedules/{kind}/{id}/resume", post(schedule::resume))
        .route("/console/schedules/{kind}/{id}/run", post(schedule::run))
        .route("/console/usage", get(usage::show))
        .route("/console/worker-tasks", get(tasks::list))
        .route("/console/worker-tasks/{id}", get(tasks::show))
        .route("/console/worker-tasks/{id}/cancel", get(tasks::ask_cancel).post(tasks::cancel))
        .route("/console/worker-tasks/{id}/release", get(tasks::ask_release).post(tasks::release))
        .route("/console/worker-tasks/{id}/retry", post(tasks::retry))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/theme", post(theme::choose))
        .layer(from_fn(gate::accept))
        .layer(from_fn_with_state(app.clone(), fault::framed))
        .layer(from_fn_with_state(app.clone(), gate::admit))
        .layer(from_fn(fault::dress))
        .layer(from_fn(guard::guard))
        .with_state(app)
}
