//! The Lambda that does scraping tasks, from their queue.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("extract-scraper");
    let app = &extract_scraper::App::from_environment()?;
    run(service_fn(move |event: LambdaEvent<_>| async move { Ok::<_, Error>(app.handle(event).await) })).await
}
