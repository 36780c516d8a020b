//! The Lambda of the extraction cloud's users.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("identity");
    api::serve(identity_function::router(identity_function::App::from_environment()?)).await
}
