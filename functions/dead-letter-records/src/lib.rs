//! Dead letters over HTTP, for an administrator: `/admin/dead-letters` (docs/api/extract-cloud.md, "Dead letters"). Those of all queues, whatever API
//! their jobs are of.

mod document;
mod letters;
mod many;
mod view;

use api::extract_cloud::{Caller, Error, Gate, gated};
use axum::Router;
use axum::routing::{get, post};
use identity::Permission;
use operations::{Operations, Operator};
use table::Clock;
use table::aws::{SettingError, configure};
use utoipa::OpenApi;

/// What the handlers share, made once per process.
#[derive(Clone)]
pub struct App {
    operations: Operations,
    gate: Gate,
}

impl App {
    /// What the environment names: what `Operations::from_environment` reads, and what the gate asks for.
    pub fn from_environment() -> Result<Self, SettingError> {
        let config = configure()?;
        Ok(Self {
            operations: Operations::from_environment(&config)?,
            gate: Gate::from_environment(&config, Clock::system())?,
        })
    }
}

/// Every operation of this function.
#[derive(OpenApi)]
#[openapi(paths(letters::list, letters::show, letters::redrive, letters::purge, many::redrive, many::purge))]
pub struct Document;

/// Every route of this function.
pub fn router(app: App) -> Router {
    let gate = app.gate.clone();
    let routes = Router::new()
        .route("/admin/dead-letters", get(letters::list).delete(many::purge))
        .route("/admin/dead-letters/redrive", post(many::redrive))
        .route("/admin/dead-letters/{letter_id}", get(letters::show).delete(letters::purge))
        .route("/admin/dead-letters/{letter_id}/redrive", post(letters::redrive))
        .with_state(app);
    gated(routes, gate, &[])
}

/// Who runs this deployment, as the audit log names them, by a key that may do this; goes on for nobody else.
fn operator(caller: &Caller, permission: Permission) -> Result<Operator, Error> {
    if caller.is_operator {
        caller.require(permission)?;
        return Ok(Operator::of_id(&caller.user_id));
    }
    Err(Error::Authorization("Only an operator of this deployment may see its dead letters".to_owned()))
}
