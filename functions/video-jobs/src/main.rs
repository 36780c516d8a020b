//! The Lambda of video jobs, their videos and statistics.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("video-jobs");
    api::serve(video_jobs::router(video_jobs::App::from_environment()?)).await
}
