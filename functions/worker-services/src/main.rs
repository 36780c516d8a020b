//! The Lambda of the worker API's LLM and captcha services.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("worker-services");
    api::serve(worker_services::router(worker_services::App::from_environment()?)).await
}
