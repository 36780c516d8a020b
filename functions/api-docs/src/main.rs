//! The Lambda of the APIs' document and its pages.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("api-docs");
    api::serve(api_docs::router()).await
}
