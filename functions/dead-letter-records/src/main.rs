//! The Lambda of dead letters over HTTP.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("dead-letter-records");
    api::serve(dead_letter_records::router(dead_letter_records::App::from_environment()?)).await
}
