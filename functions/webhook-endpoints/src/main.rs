//! The Lambda of the extraction cloud's webhooks.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("webhook-endpoints");
    api::serve(webhook_endpoints::router(webhook_endpoints::App::from_environment()?)).await
}
