//! What a test of fetched videos has of its own: a tenant, a profile at the platform, and a folder in Google Drive.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, new_id};

use crate::drive::DriveFolder;
use crate::platform::PlatformStandIn;
use crate::video::VideoClient;
use crate::{Stack, eventually};

/// A tenant, a source of its own, and a folder of its own.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The stack that fetches.
    pub stack: Stack,
    /// The tenant.
    pub client: VideoClient,
    /// Where the source is.
    pub platform: PlatformStandIn,
    /// Where the videos go.
    pub folder: DriveFolder,
    /// The name of the profile.
    pub name: String,
}

impl Scene {
    /// A new one. Nothing is posted yet.
    pub async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let name = format!("p{}", new_id(Clock::system().now()).simple());
        Ok(Self {
            client: stack.video_client().await?,
            platform: PlatformStandIn::from_environment()?,
            folder: stack.drive_folder(&name).await?,
            stack,
            name,
        })
    }

    /// A job for so many videos of the profile, into the folder: its id.
    pub async fn job(&self, limit: u64) -> anyhow::Result<String> {
        let order = json!({"mode": "profile", "value": self.name, "limit": limit, "drive_folder_id": self.folder.id});
        let job = self.client.send(Method::POST, "/jobs", &order).await?.success(201)?;
        Ok(job["id"].as_str().context("no id")?.to_owned())
    }

    /// The job with its videos, once it has ended.
    pub async fn ended(&self, job: &str) -> anyhow::Result<Json> {
        eventually("the job ends", async || {
            self.stack.run_recovery().await?;
            let told = self.client.get(&format!("/jobs/{job}")).await?;
            Ok(is_over(&told).then_some(told))
        })
        .await
    }

    /// How often the platform was asked for the file of a video.
    pub async fn fetched(&self, video: &str) -> anyhow::Result<usize> {
        Ok(self.platform.seen(video).await?.iter().filter(|request| request.contains("tiktokcdn")).count())
    }
}

/// Whether a job that is shown so has ended.
#[must_use]
pub fn is_over(told: &Json) -> bool {
    matches!(told["job"]["status"].as_str(), Some("completed" | "failed" | "cancelled"))
}

/// How far a job is that is shown so: progress, and how many videos there are, are stored and have failed.
#[must_use]
pub fn counts(told: &Json) -> (u64, u64, u64, u64) {
    let of = |field: &str| told["job"][field].as_u64().unwrap_or(u64::MAX);
    (of("progress"), of("total_videos"), of("successful_downloads"), of("failed_downloads"))
}
