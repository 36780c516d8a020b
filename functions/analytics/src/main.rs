//! The Lambda of the extraction cloud's analytics.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("analytics");
    api::serve(analytics::router(analytics::App::from_environment()?)).await
}
