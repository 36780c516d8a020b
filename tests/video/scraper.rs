//! What becomes of a job in the deployed stack: its source is listed and its videos are fetched by yt-dlp from the platform's stand-in, and stored in the
//! stand-in for Google Drive.

use anyhow::{Context, ensure};
use drover_tests::eventually;
use drover_tests::scene::{Scene, counts};
use drover_tests::video_platform::{Kind, PLAIN, Posted, Trouble};
use reqwest::Method;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn the_videos_of_a_profile_are_in_google_drive_each_with_what_is_known_of_it() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let ids = scene.platform.post(Kind::Profile, &scene.name, &Posted::videos(3)).await?;
    let told = scene.ended(&scene.job(50).await?).await?;
    ensure!(told["job"]["status"] == "completed" && counts(&told) == (100, 3, 3, 0), "{told}");

    let path = format!("TikTok/profile/{}/2026/11", scene.name);
    let files = scene.folder.files().await?;
    ensure!(files.len() == 6, "{files:?}");
    for (place, id) in ids.iter().enumerate() {
        let video = files.iter().find(|file| file.path == format!("{path}/{id}.mp4")).context("no video")?;
        ensure!(video.size.is_some_and(|size| size >= PLAIN.len() as u64), "{video:?}");
        let beside = files.iter().find(|file| file.path == format!("{path}/{id}.json")).context("no JSON")?;
        let known: Json = serde_json::from_str(beside.text.as_deref().unwrap_or_default())?;
        ensure!(known["id"] == *id && known["author_username"] == scene.name, "{known}");

        let shown = &told["videos"][place];
        ensure!((&shown["id"], &shown["status"]) == (&json!(id), &json!("uploaded")), "{told}");
        ensure!(shown["drive_file_id"] == video.id && shown["has_watermark"] == false, "{shown}");
        let link = &told["drive_links"][place];
        ensure!(link["folder_path"] == path, "{link}");
        ensure!(link["video_link"] == format!("https://drive.google.com/file/d/{}/view", video.id), "{link}");
        ensure!(link["metadata_link"] == format!("https://drive.google.com/file/d/{}/view", beside.id), "{link}");
    }
    Ok(())
}

#[tokio::test]
async fn a_video_that_is_in_its_folder_already_is_not_fetched_again() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let ids = scene.platform.post(Kind::Profile, &scene.name, &Posted::videos(1)).await?;
    scene.ended(&scene.job(50).await?).await?;
    let fetched = scene.fetched(&ids[0]).await?;
    let again = scene.ended(&scene.job(50).await?).await?;
    ensure!(again["job"]["status"] == "completed" && counts(&again) == (100, 1, 1, 0), "{again}");
    ensure!(again["videos"][0]["status"] == "uploaded" && again["drive_links"][0]["video_link"].is_string(), "{again}");
    ensure!(fetched > 0 && scene.fetched(&ids[0]).await? == fetched, "fetched again");
    ensure!(scene.folder.files().await?.len() == 2, "{:?}", scene.folder.files().await?);
    Ok(())
}

#[tokio::test]
async fn a_video_that_cannot_be_had_says_why_and_can_be_retried() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let posted = Posted::videos(3).but(0, Trouble::Gone).but(2, Trouble::Private);
    let ids = scene.platform.post(Kind::Profile, &scene.name, &posted).await?;
    let job = scene.job(50).await?;
    let told = scene.ended(&job).await?;
    ensure!(told["job"]["status"] == "completed" && counts(&told) == (100, 3, 1, 2), "{told}");
    let status = |place: usize| told["videos"][place]["status"].as_str().unwrap_or_default().to_owned();
    ensure!((status(0), status(1), status(2)) == ("failed".into(), "uploaded".into(), "failed".into()), "{told}");
    let gone = scene.client.get(&format!("/videos/{}", ids[0])).await?;
    ensure!(gone["error_message"].as_str().is_some_and(|why| why.contains("does not exist")), "{gone}");

    scene.platform.post(Kind::Profile, &scene.name, &Posted::videos(3)).await?;
    scene.client.call(Method::POST, &format!("/videos/{}/retry", ids[0])).await?.success(200)?;
    let told = scene.ended(&job).await?;
    ensure!(counts(&told) == (100, 3, 2, 1), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_source_that_cannot_be_listed_fails_its_job_and_says_why() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let posted = Posted::videos(3).in_trouble(Trouble::Private);
    scene.platform.post(Kind::Profile, &scene.name, &posted).await?;
    let told = scene.ended(&scene.job(50).await?).await?;
    ensure!(told["job"]["status"] == "failed" && counts(&told).1 == 0, "{told}");
    ensure!(told["job"]["error_message"].as_str().is_some_and(|why| why.contains("private")), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_job_that_is_cancelled_stops_within_a_video() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let posted = (0..30).fold(Posted::videos(30), |posted, place| posted.but(place, Trouble::Slow));
    let ids = scene.platform.post(Kind::Profile, &scene.name, &posted).await?;
    let job = scene.job(50).await?;
    eventually("a video is being downloaded", async || {
        let told = scene.client.get(&format!("/jobs/{job}")).await?;
        let videos = told["videos"].as_array().cloned().unwrap_or_default();
        Ok(videos.iter().any(|video| video["status"] == "downloading").then_some(()))
    })
    .await?;
    scene.client.call(Method::POST, &format!("/jobs/{job}/cancel")).await?.success(200)?;
    let told = scene.ended(&job).await?;
    ensure!(told["job"]["status"] == "cancelled", "{told}");
    ensure!(scene.folder.files().await?.is_empty(), "{:?}", scene.folder.files().await?);
    let mut fetched = 0;
    for id in &ids {
        fetched += usize::from(scene.fetched(id).await? > 0);
    }
    ensure!(fetched < ids.len(), "all were begun");
    Ok(())
}
