//! The Lambda of `/logs/stream`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("log-stream");
    let app = log_stream::App::from_environment()?;
    let streams = app.streams;
    api::serve_as(log_stream::router(app), streams).await
}
