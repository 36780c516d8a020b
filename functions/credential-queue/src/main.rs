//! The Lambda of the credential queue.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("credential-queue");
    api::serve(credential_queue::router(credential_queue::App::from_environment()?)).await
}
