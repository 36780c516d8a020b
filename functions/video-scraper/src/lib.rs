//! Works on video jobs, from their queue: lists the source of a job and hands its videos out; fetches one video and stores it; ends a job whose
//! videos have ended. The source is yt-dlp's, the destination Google Drive or the object store.

mod accounts;
mod destination;
mod drive;
mod listing;
mod metadata;
mod video;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use batch::{Message, work_off};
use jobs::{Claimed, Hint, Lost};
use lambda_runtime::LambdaEvent;
use table::aws::configure;
use tokio::time::Instant;
use videos::{VideoJobs, Work};
use yt_dlp::YtDlp;

use crate::accounts::Accounts;
use crate::destination::Destination;

/// What every message needs, made once per process.
pub struct App {
    jobs: VideoJobs,
    source: YtDlp,
    accounts: Accounts,
    destination: Destination,
}

impl App {
    /// What the environment names: what `videos::open`, `yt_dlp::Settings`, `accounts.rs` and `destination.rs` read.
    pub fn from_environment() -> anyhow::Result<Self> {
        let config = configure()?;
        let jobs = videos::open(&config)?;
        Ok(Self {
            source: YtDlp::new(yt_dlp::Settings::from_environment()?),
            accounts: Accounts::from_environment(&config, jobs.jobs.clock.clone())?,
            destination: Destination::from_environment(&config, &jobs.jobs)?,
            jobs,
        })
    }

    /// Does what a batch of messages hints at.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        work_off(event, async |message| self.take(message).await).await
    }

    async fn take(&self, message: Message<'_>) -> anyhow::Result<()> {
        let hint: Hint = message.read("job")?;
        let (run, work) = match self.jobs.jobs.take::<Work>(&hint, message.request_id).await? {
            Claimed::Run(run, work) => (*run, *work),
            Claimed::Nothing(why) => {
                tracing::info!(job = hint.job.sk, why, "nothing to do");
                return Ok(());
            }
        };
        let job = match &work {
            Work::Job(job) => job.id,
            Work::Video(video) => video.job_id,
        };
        tracing::info!(%job, "claimed");
        let until = Instant::now() + message.time_left(&self.jobs.jobs.clock);
        let written = match work {
            Work::Video(video) => Box::pin(video::fetch(self, run, &video, until)).await,
            Work::Job(job) if job.job.children.is_some() => self.jobs.conclude(run, &job, Vec::new()).await,
            Work::Job(job) => Box::pin(listing::hand_out(self, run, &job, until)).await,
        };
        match written {
            Ok(()) => Ok(()),
            Err(Lost::Superseded(_)) => {
                tracing::info!("stopped: it was cancelled, or is another worker's");
                Ok(())
            }
            Err(Lost::Table(error)) => Err(error.into()),
        }
    }

    /// How often a run is renewed while work goes on: often enough that one renewal may fail.
    fn pause(&self) -> Duration {
        self.jobs.jobs.policy.lease / 3
    }
}
