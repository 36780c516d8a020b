//! The Lambda of the worker API's tasks.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("worker-tasks");
    api::serve(worker_tasks::router(worker_tasks::App::from_environment()?)).await
}
