//! `/stats`.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use reqwest::Method;
use serde_json::json;
use table::Clock;
use videos::Stage;

#[tokio::test]
async fn everything_is_counted_as_it_happens() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let fields = [
        "total_jobs",
        "pending_jobs",
        "running_jobs",
        "completed_jobs",
        "failed_jobs",
        "total_videos",
        "downloaded_videos",
        "uploaded_videos",
        "failed_videos",
        "total_storage_bytes",
        "scheduled_jobs_count",
        "active_scheduled_jobs",
    ];
    let stats = async || {
        let stats = client.get("/stats").await?;
        anyhow::Ok(fields.map(|field| stats[field].as_i64().unwrap_or(-1)))
    };
    ensure!(stats().await? == [0; 12], "{:?}", stats().await?);
    let first = studio.listed(&client.tenant, "a", &["1", "2", "3"]).await?;
    let second = studio.jobs.create(&client.tenant, drover_tests::video::order("b")).await?.job;
    ensure!(stats().await? == [2, 1, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0], "{:?}", stats().await?);
    for stage in [Stage::Downloading, Stage::Uploading] {
        let (run, video) = studio.next(&first).await?.expect("one waits");
        studio.fail(run, &video, stage).await?;
    }
    let (run, video) = studio.next(&first).await?.expect("one waits");
    studio.upload(run, &video, 5_242_880).await?;
    studio.conclude(&first).await?;
    ensure!(stats().await? == [2, 1, 0, 1, 0, 3, 2, 1, 2, 5_242_880, 0, 0], "{:?}", stats().await?);
    client.call(Method::POST, &format!("/jobs/{}/cancel", second.id)).await?.success(200)?;
    let schedule = client.schedule("A", 5).await?;
    client.schedule("B", 5).await?;
    let toggle = format!("/scheduled-jobs/{}/toggle", schedule["id"].as_str().unwrap_or_default());
    client.call(Method::POST, &toggle).await?.success(200)?;
    ensure!(stats().await? == [2, 0, 0, 1, 0, 3, 2, 1, 2, 5_242_880, 2, 1], "{:?}", stats().await?);
    Ok(())
}

/// A video that is given up without its worker's doing is counted all the same: attempts that are used up, a message that kept failing.
#[tokio::test]
async fn a_video_that_nobody_could_finish_is_counted_as_failed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let clock = Clock::fake(Clock::system().now());
    let (client, studio) = (stack.unheard_client().await?, stack.studio(clock.clone()).await?);
    let job = studio.listed(&client.tenant, "a", &["1", "2"]).await?;
    let videos = studio.jobs.videos_of(&job).await?;
    let given_up = studio.jobs.jobs.give_up(&videos[1].key, "Its message kept failing").await?;
    ensure!(matches!(given_up, jobs::Cancelled::Now { .. }), "{given_up:?}");
    for _ in 0..5 {
        let hint = jobs::Hint::goes_on(videos[0].key.clone());
        // Its worker dies each time.
        drop(studio.jobs.jobs.take::<videos::Work>(&hint, "a worker").await?);
        drop(studio.next(&job).await?);
        clock.advance(std::time::Duration::from_mins(2));
    }
    studio.conclude(&job).await?;
    let stats = client.get("/stats").await?;
    let told = ["total_videos", "failed_videos", "failed_jobs"].map(|field| &stats[field]);
    ensure!(told == [&json!(2), &json!(2), &json!(1)], "{stats}");
    Ok(())
}

#[tokio::test]
async fn health_tells_what_there_is() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.video_client().await?;
    stack.invoke("scheduler", &json!({})).await?;
    let health = client.get("/stats/health").await?;
    ensure!(health["status"] == "healthy" && health["database"] == true && health["scheduler"] == true, "{health}");
    ensure!(health["google_drive"] == true, "the suites' stack has one: {health}");
    ensure!(health["timestamp"].as_str().is_some_and(is_timestamp) && health["version"].is_string(), "{health}");
    Ok(())
}
