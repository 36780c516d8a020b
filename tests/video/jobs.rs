//! `/jobs`.

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use drover_tests::video::{Studio, found};
use jobs::{Claimed, Hint, Lost};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;
use uuid::Uuid;
use videos::{VideoJobs, Work};

async fn studio() -> anyhow::Result<(Stack, Studio)> {
    let stack = Stack::from_environment()?;
    let studio = stack.studio(Clock::fake(Clock::system().now())).await?;
    Ok((stack, studio))
}

#[tokio::test]
async fn a_job_is_created_as_the_contract_shows_it() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.video_client().await?;
    let order = json!({
        "mode": "profile",
        "value": "khaby.lame",
        "limit": 50,
        "no_watermark": true,
        "since": "2024-01-01T00:00:00Z",
        "until": "2024-12-31T23:59:59Z",
        "drive_folder_id": "optional-folder-id",
    });
    let job = client.send(Method::POST, "/jobs", &order).await?.success(201)?;
    for (field, value) in order.as_object().into_iter().flatten() {
        ensure!(job[field] == *value, "{field}: {job}");
    }
    let expected = json!({"progress": 0, "total_videos": 0, "successful_downloads": 0, "failed_downloads": 0});
    for (field, value) in expected.as_object().into_iter().flatten() {
        ensure!(job[field] == *value, "{field}: {job}");
    }
    ensure!(job["id"].as_str().is_some_and(|id| id.parse::<Uuid>().is_ok()), "{job}");
    ensure!(job["created_at"].as_str().is_some_and(is_timestamp), "{job}");

    let least =
        client.send(Method::POST, "/jobs", &json!({"mode": "hashtag", "value": "#Funny"})).await?.success(201)?;
    ensure!((&least["value"], &least["limit"], &least["no_watermark"]) == (&json!("Funny"), &json!(50), &json!(true)));
    ensure!(least["since"].is_null() && least["drive_folder_id"].is_null(), "{least}");
    for job in [job, least] {
        client
            .call(Method::DELETE, &format!("/jobs/{}", job["id"].as_str().unwrap_or_default()))
            .await?
            .success_empty()?;
    }
    Ok(())
}

#[tokio::test]
async fn a_job_goes_from_pending_to_completed_and_its_progress_is_exact() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2", "3", "2"]).await?;
    let path = format!("/jobs/{}", job.id);
    let told = async || {
        let told = client.get(&path).await?["job"].clone();
        let of = |field: &str| told[field].as_u64().unwrap_or(99);
        let counts = (of("progress"), of("total_videos"), of("successful_downloads"), of("failed_downloads"));
        anyhow::Ok((told["status"].as_str().unwrap_or_default().to_owned(), counts))
    };
    ensure!(told().await? == ("running".to_owned(), (0, 3, 0, 0)), "each video once: {:?}", told().await?);

    let (run, video) = studio.next(&job).await?.expect("one waits");
    studio.upload(run, &video, 5_242_880).await?;
    ensure!(told().await?.1 == (33, 3, 1, 0), "{:?}", told().await?);
    let (run, video) = studio.next(&job).await?.expect("one waits");
    studio.fail(run, &video, videos::Stage::Downloading).await?;
    ensure!(told().await?.1 == (66, 3, 1, 1), "{:?}", told().await?);
    studio.work_through(&job, &[]).await?;
    ensure!(told().await? == ("completed".to_owned(), (100, 3, 2, 1)), "{:?}", told().await?);

    let whole = client.get(&path).await?;
    ensure!(whole["job"]["completed_at"].as_str().is_some_and(is_timestamp), "{whole}");
    let videos: Vec<_> = whole["videos"].as_array().into_iter().flatten().collect();
    let statuses: Vec<_> = videos.iter().map(|video| (&video["id"], &video["status"])).collect();
    let expected =
        [("1", "uploaded"), ("2", "failed"), ("3", "uploaded")].map(|(id, status)| (json!(id), json!(status)));
    ensure!(statuses == expected.each_ref().map(|(id, status)| (id, status)), "{statuses:?}");
    ensure!(
        whole["drive_links"][0]
            == json!({
                "video_id": "1",
                "video_link": "https://drive.google.com/file/d/file-1/view",
                "metadata_link": "https://drive.google.com/file/d/metadata-1/view",
                "folder_path": "TikTok/profile/khaby.lame/2025/01",
            }),
        "{whole}"
    );
    ensure!(whole["drive_links"].as_array().map(Vec::len) == Some(2), "{whole}");
    Ok(())
}

#[tokio::test]
async fn a_job_that_finds_nothing_completes_and_one_none_of_whose_videos_works_fails() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let empty = studio.listed(&client.tenant, "nobody", &[]).await?;
    let told = client.get(&format!("/jobs/{}", empty.id)).await?;
    ensure!((&told["job"]["status"], &told["job"]["progress"]) == (&json!("completed"), &json!(100)), "{told}");

    let job = studio.listed(&client.tenant, "gone", &["1", "2"]).await?;
    studio.work_through(&job, &["1", "2"]).await?;
    let told = client.get(&format!("/jobs/{}", job.id)).await?;
    ensure!((&told["job"]["status"], &told["job"]["failed_downloads"]) == (&json!("failed"), &json!(2)), "{told}");
    ensure!(told["job"]["error_message"].is_string() && told["videos"][0]["error_message"] == "The video is gone");
    Ok(())
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_status_and_by_page() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let mut ids = Vec::new();
    for number in 0..5 {
        let job = studio.jobs.create(&client.tenant, drover_tests::video::order("a")).await?.job;
        studio.jobs.jobs.clock.advance(std::time::Duration::from_millis(5));
        if number % 2 == 0 {
            studio.list(&job, Vec::new()).await?;
        }
        ids.insert(0, job.id.to_string());
    }
    for (query, expected) in [
        ("", vec![0, 1, 2, 3, 4]),
        ("?status=completed", vec![0, 2, 4]),
        ("?status=pending", vec![1, 3]),
        ("?status=failed", vec![]),
        ("?limit=2", vec![0, 1]),
        ("?limit=2&offset=3", vec![3, 4]),
        ("?status=completed&limit=1&offset=1", vec![2]),
        ("?offset=5", vec![]),
    ] {
        let listed = client.get(&format!("/jobs{query}")).await?;
        let listed: Vec<_> = listed.as_array().into_iter().flatten().filter_map(|job| job["id"].as_str()).collect();
        let expected: Vec<_> = expected.into_iter().map(|place| ids[place].as_str()).collect();
        ensure!(listed == expected, "{query}: {listed:?} instead of {expected:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_job_stops_within_one_video() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2", "3"]).await?;
    let (run, video) = studio.next(&job).await?.expect("one waits");
    studio.upload(run, &video, 10).await?;
    let (mut at_it, second) = studio.next(&job).await?.expect("one waits");
    let path = format!("/jobs/{}/cancel", job.id);
    let cancelled = client.call(Method::POST, &path).await?.success(200)?;
    ensure!((&cancelled["status"], &cancelled["progress"]) == (&json!("cancelled"), &json!(33)), "{cancelled}");

    // Whoever is at a video is told with its next step, and nobody begins another.
    let step = VideoJobs::downloading(&mut at_it, &second.metadata).await;
    ensure!(matches!(step, Err(Lost::Superseded(_))), "{step:?}");
    ensure!(studio.next(&job).await?.is_none(), "another video was begun");
    client.call(Method::POST, &path).await?.video_error(400)?;
    let told = client.get(&format!("/jobs/{}", job.id)).await?;
    let statuses: Vec<_> = told["videos"].as_array().into_iter().flatten().map(|video| &video["status"]).collect();
    ensure!(statuses == ["uploaded", "pending", "pending"], "{statuses:?}");
    ensure!(told["job"]["successful_downloads"] == 1, "{told}");
    client.call(Method::POST, "/videos/2/retry").await?.video_error(400)?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_job_is_gone_with_its_videos_whatever_it_was_at() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let ended = studio.listed(&client.tenant, "one", &["1", "2"]).await?;
    studio.work_through(&ended, &["2"]).await?;
    let running = studio.listed(&client.tenant, "two", &["3", "4"]).await?;
    let (mut at_it, third) = studio.next(&running).await?.expect("one waits");
    let waiting = studio.jobs.create(&client.tenant, drover_tests::video::order("three")).await?.job;
    for job in [&ended, &running, &waiting] {
        let path = format!("/jobs/{}", job.id);
        client.call(Method::DELETE, &path).await?.success_empty()?;
        client.call(Method::DELETE, &path).await?.video_error(404)?;
        client.call(Method::GET, &path).await?.video_error(404)?;
        client.call(Method::POST, &format!("{path}/cancel")).await?.video_error(404)?;
    }
    let step = VideoJobs::downloading(&mut at_it, &third.metadata).await;
    ensure!(matches!(step, Err(Lost::Superseded(_))), "{step:?}");
    ensure!(client.get("/jobs").await? == json!([]));
    for id in ["1", "2", "3", "4"] {
        client.call(Method::GET, &format!("/videos/{id}")).await?.video_error(404)?;
    }
    // Nothing is counted of what is not there.
    let stats = client.get("/stats").await?;
    let counted = stats.as_object().into_iter().flatten().filter(|(_, count)| **count != json!(0));
    let counted: Vec<(&String, &Json)> = counted.collect();
    ensure!(counted.is_empty(), "{counted:?}");
    Ok(())
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_finished_by_the_scheduler() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let job = studio.listed(&client.tenant, "one", &["1", "2", "3"]).await?;
    studio.work_through(&job, &["2"]).await?;
    // What a function leaves that dies after its first step.
    studio.jobs.mark_deleted(&client.tenant, job.id).await?;
    client.call(Method::GET, &format!("/jobs/{}", job.id)).await?.video_error(404)?;
    let later =
        stack.studio(Clock::fake(studio.jobs.jobs.clock.now().after(std::time::Duration::from_mins(2)))).await?;
    drover_tests::eventually("it is cleared away", async || {
        let cleared = later.jobs.clear_deleted(table::Millis(u64::MAX)).await?;
        Ok((cleared > 0).then_some(()))
    })
    .await?;
    ensure!(later.jobs.videos_of(&job).await?.is_empty(), "videos are left");
    ensure!(client.get("/stats").await?["total_videos"] == 0);
    Ok(())
}

#[tokio::test]
async fn a_video_that_a_dead_worker_held_is_taken_up_again_and_counts_once() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let job = studio.listed(&client.tenant, "khaby.lame", &["1"]).await?;
    let (dead, video) = studio.next(&job).await?.expect("one waits");
    studio.jobs.jobs.clock.advance(std::time::Duration::from_mins(2));
    let hint = Hint::goes_on(video.key.clone());
    let Claimed::Run(run, work) = studio.jobs.jobs.take::<Work>(&hint, "another worker").await? else {
        anyhow::bail!("it was not taken up again")
    };
    let Work::Video(again) = *work else { anyhow::bail!("no video") };
    studio.upload(*run, &again, 7).await?;
    let late = studio.upload(dead, &video, 7).await;
    ensure!(matches!(late, Err(Lost::Superseded(_))), "{late:?}");
    studio.conclude(&job).await?;
    let stats = client.get("/stats").await?;
    let counted =
        ["uploaded_videos", "downloaded_videos", "total_storage_bytes", "completed_jobs"].map(|name| &stats[name]);
    ensure!(counted == [&json!(1), &json!(1), &json!(7), &json!(1)], "{stats}");
    Ok(())
}

#[tokio::test]
async fn what_is_in_its_folder_already_is_not_fetched_again() -> anyhow::Result<()> {
    let (stack, studio) = studio().await?;
    let client = stack.unheard_client().await?;
    let first = studio.listed(&client.tenant, "khaby.lame", &["1"]).await?;
    let (run, video) = studio.next(&first).await?.expect("one waits");
    ensure!(studio.jobs.stored_before(&video).await?.is_none());
    studio.upload(run, &video, 100).await?;
    studio.conclude(&first).await?;

    let again = studio.listed(&client.tenant, "Khaby.Lame", &["1"]).await?;
    let (run, video) = studio.next(&again).await?.expect("one waits");
    let before = studio.jobs.stored_before(&video).await?.expect("it is known");
    VideoJobs::already_stored(run, before, Vec::new()).await?;
    studio.conclude(&again).await?;
    let told = client.get(&format!("/jobs/{}", again.id)).await?;
    ensure!(
        (&told["videos"][0]["status"], &told["videos"][0]["drive_file_id"]) == (&json!("uploaded"), &json!("file-1"))
    );
    let stats = client.get("/stats").await?;
    ensure!((&stats["uploaded_videos"], &stats["total_storage_bytes"]) == (&json!(2), &json!(100)), "{stats}");

    // Another folder, or another tenant's, is another.
    let other = studio.jobs.create(
        &client.tenant,
        videos::Order { drive_folder_id: Some("elsewhere".to_owned()), ..drover_tests::video::order("khaby.lame") },
    );
    let other = other.await?.job;
    studio.list(&other, vec![found("1", "khaby.lame")]).await?;
    let (_run, video) = studio.next(&studio.reload(&other).await?).await?.expect("one waits");
    ensure!(studio.jobs.stored_before(&video).await?.is_none());
    Ok(())
}
