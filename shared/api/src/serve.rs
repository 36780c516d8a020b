//! The Lambda entry of an HTTP function.

use axum::Router;
use axum::extract::DefaultBodyLimit;

/// The largest request body, in bytes: 1 MiB (RULINGS.md, "One deployment, five APIs").
pub const LARGEST_BODY: usize = 1024 * 1024;

/// Serves a router's requests until the process ends.
pub async fn serve(router: Router) -> Result<(), lambda_http::Error> {
    let router = router.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(axum::middleware::from_fn(crate::observe));
    lambda_http::run(router).await
}
