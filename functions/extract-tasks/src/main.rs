//! The Lambda of the extraction cloud's tasks.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("extract-tasks");
    api::serve(extract_tasks::router(extract_tasks::App::from_environment()?)).await
}
