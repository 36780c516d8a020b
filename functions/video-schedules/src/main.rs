//! The Lambda of the schedules of video jobs.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("video-schedules");
    api::serve(video_schedules::router(video_schedules::App::from_environment()?)).await
}
