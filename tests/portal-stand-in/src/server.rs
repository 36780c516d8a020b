//! Everything at one address.

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;

use crate::records::Portal;
use crate::stand_in::StandIn;
use crate::{bwmr, control, ewmr, pwmr};

/// Serves a stand-in.
pub async fn serve(stand_in: StandIn, listener: TcpListener) -> anyhow::Result<()> {
    let routes = Router::new()
        .nest("/pwmr", pwmr::routes())
        .nest("/bwmr", bwmr::routes())
        .nest("/ewmr", ewmr::routes())
        .nest("/_control", control::routes())
        .layer(from_fn_with_state(stand_in.clone(), count))
        .with_state(stand_in);
    axum::serve(listener, routes).await.context("the server ended")
}

async fn count(State(stand_in): State<StandIn>, request: Request, next: Next) -> Response {
    let folder = request.uri().path().split('/').nth(1).unwrap_or_default();
    if let Some(portal) = [Portal::Pwmr, Portal::Bwmr, Portal::Ewmr].into_iter().find(|portal| portal.name() == folder)
    {
        stand_in.count_request(portal);
    }
    next.run(request).await
}
