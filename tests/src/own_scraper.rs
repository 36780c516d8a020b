//! The function `video-scraper` in a process of a test's own, which the test sets up, and whose every message it gives.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use jobs::Hint;
use serde_json::json;
use table::{Clock, Condition, Millis, Update};
use videos::{Video, VideoJob};

use crate::function::FunctionProcess;
use crate::process::Workers;
use crate::scene::Scene;
use crate::video::{Studio, order};

/// A scraper of one test's, and a tenant of whose jobs no other scraper hears.
pub struct OwnScraper {
    /// What the test has besides.
    pub scene: Scene,
    /// The tenant's jobs, for the test to look at.
    pub studio: Studio,
    process: FunctionProcess,
    workers: Workers,
    /// Where it keeps temporary files.
    folder: PathBuf,
}

impl OwnScraper {
    /// Starts one as it is deployed, but for these variables.
    pub async fn start(changes: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut scene = Scene::open().await?;
        scene.client = scene.stack.unheard_client().await?;
        let studio = scene.stack.studio(Clock::system()).await?;
        let folder = std::env::temp_dir().join(format!("drover-tests-{}", scene.name));
        fs::create_dir(&folder)?;
        let mut environment = scene.stack.environment_of("video-scraper").await?;
        let nowhere = format!("{}-that-is-not-there", environment.get("VIDEO_QUEUE_URL").context("no queue")?);
        let own = [
            ("DROVER_LOCAL_STACK", scene.name.as_str()),
            ("TMPDIR", folder.to_str().context("no name")?),
            ("VIDEO_QUEUE_URL", &nowhere),
        ];
        let changes = changes.iter().chain(&own);
        environment.extend(changes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let process = FunctionProcess::start("video-scraper", &environment).await?;
        let workers = Workers::of(&scene.name, "video-scraper");
        Ok(Self { scene, studio, process, workers, folder })
    }

    /// Gives it one message.
    pub async fn take(&self, hint: &Hint) -> anyhow::Result<()> {
        let message = json!({
            "messageId": "1", "receiptHandle": "1", "body": serde_json::to_string(hint)?, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs",
        });
        let answer = self.process.event(&json!({"Records": [message]})).await?;
        ensure!(answer["batchItemFailures"] == json!([]), "it gave the message back: {answer}");
        Ok(())
    }

    /// A new job for the scene's profile, which it has been told of: its source is listed, unless that failed.
    pub async fn job(&self) -> anyhow::Result<VideoJob> {
        let order = videos::Order { drive_folder_id: Some(self.scene.folder.id.clone()), ..order(&self.scene.name) };
        let job = self.studio.jobs.create(&self.scene.client.tenant, order).await?.job;
        self.take(&Hint::waits(job.key.clone())).await?;
        self.studio.reload(&job).await
    }

    /// The job's video at this place, after one attempt at it. Those before it must have had theirs: they would be first in line.
    pub async fn video(&self, job: &VideoJob, place: usize) -> anyhow::Result<Video> {
        let key = self.stored(job, place).await?.key;
        // It may rest after an attempt before.
        let past = Millis(Clock::system().now().0 - 1_000);
        let rested = Update::new().set("claimable_at", past).when(Condition::equal("status", "pending"));
        self.scene.stack.table("video").update(&key, rested).await?;
        self.take(&Hint::goes_on(key)).await?;
        self.stored(job, place).await
    }

    /// The job's video at this place.
    pub async fn stored(&self, job: &VideoJob, place: usize) -> anyhow::Result<Video> {
        self.studio.jobs.videos_of(job).await?.into_iter().nth(place).context("no such video")
    }

    /// What is left in its temporary folder, by name; compiled modules are kept elsewhere.
    pub fn left(&self) -> anyhow::Result<Vec<String>> {
        let left = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        left.collect()
    }

    /// The most memory that it has had, in bytes.
    pub fn peak(&self) -> anyhow::Result<u64> {
        self.workers.peak()
    }
}

impl Drop for OwnScraper {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
