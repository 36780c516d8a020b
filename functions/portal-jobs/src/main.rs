//! The Lambda of logging in, portal jobs, and their administration.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("portal-jobs");
    api::serve(portal_jobs::router(portal_jobs::App::from_environment()?)).await
}
