//! The Lambda that works on video jobs and their videos.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use video_scraper::App;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("video-scraper");
    let app = &App::from_environment()?;
    run(service_fn(move |event: LambdaEvent<_>| async move { Ok::<_, Error>(app.handle(event).await) })).await
}
