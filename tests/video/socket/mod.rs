//! `/ws/jobs/{job_id}`.

mod edge;
mod listeners;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::socket::{Handshake, Socket};
use drover_tests::video::{Studio, VideoClient};
use futures::future::try_join_all;
use serde_json::{Value as Json, json};
use table::Clock;
use uuid::Uuid;
use videos::{Stage, VideoJob};

/// A tenant's job whose three videos wait.
struct Scene {
    stack: Stack,
    client: VideoClient,
    studio: Studio,
    job: VideoJob,
}

impl Scene {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
        let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2", "3"]).await?;
        Ok(Self { stack, client, studio, job })
    }

    /// A socket of the job's, which has been told how far it is.
    async fn listen(&self) -> anyhow::Result<Socket> {
        let mut socket = self.stack.socket(self.job.id, &self.client.new_key().await?).await?;
        ensure!(is(&told(&mut socket).await?, 0, "running"), "another beginning");
        Ok(socket)
    }
}

/// The next news, which must come.
async fn told(socket: &mut Socket) -> anyhow::Result<Json> {
    socket.news().await?.context("closed too soon")
}

fn is(told: &Json, progress: u64, status: &str) -> bool {
    told["progress"] == progress && told["status"] == status
}

#[tokio::test]
async fn who_listens_is_told_each_progress_once_and_let_go_at_the_end() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let key = scene.client.new_key().await?;
    // As a browser has to: its WebSocket has no headers of its own.
    let path = format!("/ws/jobs/{}?api_key={key}", scene.job.id);
    let Handshake::Open(mut by_query) = scene.stack.handshake(&path, None).await? else { anyhow::bail!("refused") };
    ensure!(is(&told(&mut by_query).await?, 0, "running"), "another beginning");
    let mut by_header = scene.listen().await?;
    let mut expected = vec![33, 66, 100];
    while let Some((run, video)) = scene.studio.next(&scene.job).await? {
        scene.studio.upload(run, &video, 1_000).await?;
        let progress = expected.remove(0);
        for socket in [&mut by_header, &mut *by_query] {
            let told = told(socket).await?;
            ensure!(told["progress"] == progress, "{told}, not {progress}");
        }
    }
    scene.studio.conclude(&scene.job).await?;
    for socket in [&mut by_header, &mut *by_query] {
        let told = told(socket).await?;
        let counts = ["total_videos", "successful_downloads", "failed_downloads"].map(|count| told[count].clone());
        ensure!(is(&told, 100, "completed") && counts == [json!(3), json!(3), json!(0)], "{told}");
        ensure!(socket.next().await?.is_none(), "not let go");
    }
    Ok(())
}

#[tokio::test]
async fn who_comes_late_is_told_the_end_and_let_go() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    scene.studio.work_through(&scene.job, &["2"]).await?;
    let mut socket = scene.stack.socket(scene.job.id, &scene.client.new_key().await?).await?;
    let told = told(&mut socket).await?;
    ensure!(is(&told, 100, "completed") && told["failed_downloads"] == 1, "{told}");
    ensure!(socket.next().await?.is_none(), "not let go");
    Ok(())
}

#[tokio::test]
async fn however_many_listen_each_hears_all_of_it() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let mut sockets = try_join_all((0..12).map(|_| scene.listen())).await?;
    let (run, video) = scene.studio.next(&scene.job).await?.context("none waits")?;
    scene.studio.fail(run, &video, Stage::Downloading).await?;
    for socket in &mut sockets {
        let told = told(socket).await?;
        ensure!(is(&told, 33, "running") && told["failed_downloads"] == 1, "{told}");
    }
    scene.studio.jobs.cancel(&scene.client.tenant, scene.job.id).await?;
    for socket in &mut sockets {
        let told = told(socket).await?;
        ensure!(told["status"] == "cancelled", "{told}");
        ensure!(socket.next().await?.is_none(), "not let go");
    }
    Ok(())
}

#[tokio::test]
async fn who_listens_to_a_job_that_is_deleted_is_told_so() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let mut socket = scene.listen().await?;
    let path = format!("/jobs/{}", scene.job.id);
    scene.client.call(reqwest::Method::DELETE, &path).await?.success_empty()?;
    let mut last = Json::Null;
    while let Some(told) = socket.news().await? {
        last = told;
    }
    // It is cancelled before it is deleted; who is told of that hears no more.
    ensure!(matches!(last["status"].as_str(), Some("cancelled" | "deleted")), "{last}");
    Ok(())
}

#[tokio::test]
async fn nobody_listens_without_a_key_of_the_jobs_owner() -> anyhow::Result<()> {
    let scene = Scene::open().await?;
    let stranger = scene.stack.video_client().await?.new_key().await?;
    let (job, own) = (scene.job.id.to_string(), scene.client.new_key().await?);
    let nowhere = Uuid::new_v4().to_string();
    for (what, id, key) in [
        ("no key", job.as_str(), None),
        ("no such key", &job, Some("sk_test_0000")),
        ("another's key", &job, Some(stranger.as_str())),
        ("no such job", &nowhere, Some(own.as_str())),
        ("no job's id", "7", Some(own.as_str())),
    ] {
        let answer = scene.stack.handshake(&format!("/ws/jobs/{id}"), key).await?;
        ensure!(matches!(answer, Handshake::Refused(status) if status < 500), "{what}: {answer:?}");
    }
    Ok(())
}
