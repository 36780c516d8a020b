//! The Lambda of the worker API's records.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("worker-records");
    api::serve(worker_records::router(worker_records::App::from_environment()?)).await
}
