//! The Lambda that reads portals, for the jobs in their queue.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("portal-scraper");
    let app = &portal_scraper::App::from_environment()?;
    run(service_fn(move |event: LambdaEvent<_>| async move { Ok::<_, Error>(app.handle(event).await) })).await
}
