//! The Lambda of the extraction cloud's plans, subscriptions and invoices.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("billing");
    api::serve(billing::router(billing::App::from_environment()?)).await
}
