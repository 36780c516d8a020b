//! The Lambda of the console.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("console");
    api::serve(console::router(console::App::from_environment()?)).await
}
