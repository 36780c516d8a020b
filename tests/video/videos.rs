//! `/videos`.

use anyhow::ensure;
use drover_tests::video::VideoClient;
use drover_tests::{Stack, eventually};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;
use videos::Stage;

/// The ids that a listing shows, once the index knows of `count` videos.
async fn listed(client: &VideoClient, query: &str, count: u64) -> anyhow::Result<Vec<String>> {
    eventually(&format!("/videos{query} shows {count} videos"), async || {
        let page = client.get(&format!("/videos{query}")).await?;
        let ids = page["videos"].as_array().into_iter().flatten();
        let ids: Vec<_> = ids.filter_map(|video| video["id"].as_str().map(str::to_owned)).collect();
        Ok((page["total"] == count).then_some(ids))
    })
    .await
}

#[tokio::test]
async fn videos_are_listed_by_every_filter_and_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let first = studio.listed(&client.tenant, "khaby.lame", &["1", "2", "3"]).await?;
    studio.work_through(&first, &["2"]).await?;
    let second = studio.listed(&client.tenant, "other", &["4"]).await?;
    for (query, count, expected) in [
        ("", 4, vec!["4", "1", "2", "3"]),
        ("?limit=2", 4, vec!["4", "1"]),
        ("?limit=2&offset=1", 4, vec!["1", "2"]),
        ("?offset=4", 4, vec![]),
        ("?mode=profile", 4, vec!["4", "1", "2", "3"]),
        ("?mode=hashtag", 0, vec![]),
        ("?mode=profile&value=khaby.lame&limit=20", 3, vec!["1", "2", "3"]),
        ("?value=KHABY.LAME&offset=1", 3, vec!["2", "3"]),
        ("?author_username=other", 1, vec!["4"]),
        ("?hashtag=funny", 4, vec!["4", "1", "2", "3"]),
        ("?hashtag=sad", 0, vec![]),
        ("?status=uploaded", 2, vec!["1", "3"]),
        ("?status=failed&value=khaby.lame", 1, vec!["2"]),
        ("?status=pending", 1, vec!["4"]),
    ] {
        let ids = listed(&client, query, count).await?;
        ensure!(ids == expected, "{query}: {ids:?} instead of {expected:?}");
    }
    studio.work_through(&second, &[]).await?;
    ensure!(listed(&client, "?status=uploaded", 3).await? == ["4", "1", "3"]);
    Ok(())
}

#[tokio::test]
async fn a_video_is_shown_with_every_field_of_the_contract() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["7123456789012345678"]).await?;
    let video = async || client.get("/videos/7123456789012345678").await;
    ensure!(video().await?["status"] == "pending");
    let (mut run, held) = studio.next(&job).await?.expect("one waits");
    videos::VideoJobs::downloading(&mut run, &held.metadata).await?;
    ensure!(video().await?["status"] == "downloading");
    videos::VideoJobs::downloaded(&mut run, &held.metadata).await?;
    ensure!(video().await?["status"] == "downloaded");
    videos::VideoJobs::uploading(&mut run).await?;
    ensure!(video().await?["status"] == "uploading");
    studio.upload(run, &held, 5_242_880).await?;
    let video = video().await?;
    for field in [
        "id",
        "job_id",
        "url",
        "desc",
        "author_username",
        "author_nickname",
        "views",
        "likes",
        "comments",
        "shares",
        "created_at_tiktok",
        "hashtags",
        "music_title",
        "has_watermark",
        "file_size",
        "duration",
        "drive_file_id",
        "drive_folder_path",
        "status",
    ] {
        ensure!(video.get(field).is_some(), "no {field}: {video}");
    }
    let told = ["status", "file_size", "duration", "drive_file_id", "hashtags"].map(|field| video[field].clone());
    let id = "file-7123456789012345678";
    ensure!(told == [json!("uploaded"), json!(5_242_880), json!(15.5), json!(id), json!(["Funny"])], "{video}");
    Ok(())
}

#[tokio::test]
async fn a_failed_video_is_retried_while_its_job_runs_and_after_it_has_ended() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2"]).await?;
    let path = format!("/jobs/{}", job.id);
    let counts = async || {
        let told = client.get(&path).await?["job"].clone();
        let of = |field: &str| told[field].as_u64().unwrap_or(99);
        let counts = (of("progress"), of("successful_downloads"), of("failed_downloads"));
        anyhow::Ok((told["status"].as_str().unwrap_or_default().to_owned(), counts))
    };
    let retry = async |id: &str| client.call(Method::POST, &format!("/videos/{id}/retry")).await;
    retry("1").await?.video_error(400)?;

    let (run, first) = studio.next(&job).await?.expect("one waits");
    studio.fail(run, &first, Stage::Uploading).await?;
    ensure!(counts().await? == ("running".to_owned(), (50, 0, 1)), "{:?}", counts().await?);
    let again = retry("1").await?.success(200)?;
    ensure!(again["status"] == "pending" && again["error_message"].is_null(), "{again}");
    ensure!(counts().await? == ("running".to_owned(), (0, 0, 0)), "{:?}", counts().await?);
    retry("1").await?.video_error(400)?;
    studio.work_through(&job, &["1"]).await?;
    ensure!(counts().await? == ("completed".to_owned(), (100, 1, 1)), "{:?}", counts().await?);

    // The job has ended: it runs again, with a slot of its own, and ends again, and everything adds up.
    retry("1").await?.success(200)?;
    ensure!(counts().await? == ("running".to_owned(), (50, 1, 0)), "{:?}", counts().await?);
    let stats = client.get("/stats").await?;
    let told = ["total_jobs", "running_jobs", "completed_jobs", "failed_videos"].map(|field| stats[field].clone());
    ensure!(told == [1, 1, 0, 0].map(Json::from), "{stats}");
    studio.work_through(&job, &[]).await?;
    ensure!(counts().await? == ("completed".to_owned(), (100, 2, 0)), "{:?}", counts().await?);
    let stats = client.get("/stats").await?;
    let told = ["total_jobs", "running_jobs", "completed_jobs", "uploaded_videos"].map(|field| stats[field].clone());
    ensure!(told == [1, 0, 1, 2].map(Json::from), "{stats}");
    let slots = studio.jobs.overview(&client.tenant).await?.account.slots;
    ensure!(slots.slots == slots.slots_free, "a slot is lost: {slots:?}");
    retry("1").await?.video_error(400)?;
    Ok(())
}

#[tokio::test]
async fn of_many_who_retry_one_video_at_once_one_does() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2"]).await?;
    studio.work_through(&job, &["1", "2"]).await?;
    let tries = (0..5).map(|_| studio.jobs.retry(&client.tenant, "1"));
    let done = futures::future::join_all(tries).await;
    let won = done.iter().filter(|retry| retry.is_ok()).count();
    ensure!(won == 1, "{done:?}");
    // Both are tried again: the second joins what runs already.
    studio.jobs.retry(&client.tenant, "2").await?;
    studio.work_through(&job, &[]).await?;
    let shown = studio.shown(&job).await?;
    ensure!((shown.total(), shown.successful(), shown.failed()) == (2, 2, 0), "{shown:?}");
    let overview = studio.jobs.overview(&client.tenant).await?;
    ensure!((overview.account.jobs_open, overview.account.jobs_completed, overview.account.jobs_failed) == (0, 1, 0));
    ensure!((overview.counts.videos_uploaded, overview.counts.videos_failed) == (2, 0), "{overview:?}");
    Ok(())
}

#[tokio::test]
async fn a_video_is_deleted_when_nobody_is_at_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2"]).await?;
    client.call(Method::DELETE, "/videos/1").await?.video_error(400)?;
    studio.work_through(&job, &["2"]).await?;
    client.call(Method::DELETE, "/videos/1").await?.success_empty()?;
    client.call(Method::DELETE, "/videos/1").await?.video_error(404)?;
    client.call(Method::GET, "/videos/1").await?.video_error(404)?;
    ensure!(listed(&client, "", 1).await? == ["2"]);
    let stats = client.get("/stats").await?;
    let told = ["total_videos", "uploaded_videos", "failed_videos", "total_storage_bytes"].map(|field| &stats[field]);
    ensure!(told == [&json!(1), &json!(0), &json!(1), &json!(0)], "{stats}");
    // What the job has done stays done.
    ensure!(client.get(&format!("/jobs/{}", job.id)).await?["job"]["successful_downloads"] == 1);
    Ok(())
}
