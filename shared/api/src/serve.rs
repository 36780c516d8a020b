//! The Lambda entry of an HTTP function.

use axum::Router;
use axum::extract::DefaultBodyLimit;

/// The largest request body, in bytes: 1 MiB (RULINGS.md, "One deployment, five APIs").
pub const LARGEST_BODY: usize = 1024 * 1024;

/// Serves a router's requests until the process ends.
pub async fn serve(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(observed(router)).await
}

/// Serves a router's requests until the process ends, with answers that are passed on as they are made if `streams`: where the gateway takes that of
/// this function (`ResponseTransferMode` in template.yaml). Another takes whole answers only.
pub async fn serve_as(router: Router, streams: bool) -> Result<(), lambda_http::Error> {
    if streams { lambda_http::run_with_streaming_response(observed(router)).await } else { serve(router).await }
}

fn observed(router: Router) -> Router {
    router.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(axum::middleware::from_fn(crate::observe))
}
