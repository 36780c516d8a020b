//! What a worker does with a job or a video that it holds: each step is one write under its lease, each end one transaction with all that counts
//! it.

use std::collections::HashSet;

use jobs::{Beside, Join, Line, Lost, Progress, Run};
use serde::{Deserialize, Serialize};
use table::{AttributeValue, TableError, Update, encode};

use crate::counts::Counts;
use crate::keys::folder_key;
use crate::store::{VideoJob, VideoJobs};
use crate::video::{Found, Metadata, Stage, Stored, Video};

/// Where a job goes on whose videos are handed out.
const HANDED_OUT: &str = "handed out";
/// What the owner of a job reads none of whose videos could be fetched.
const NONE_WORKED: &str = "None of the videos could be fetched; each says why";

/// What a worker has claimed: both kinds come from one queue.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Work {
    /// One video of a job.
    Video(Box<Video>),
    /// A job whose source is to be listed, or, where it has `children`, one whose videos have ended ([`VideoJobs::conclude`]).
    Job(Box<VideoJob>),
}

/// How a video fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// For good.
    Final,
    /// For now: it is tried again, as often as the policy has it.
    Transient,
}

/// The record that a video is in a folder.
#[derive(Debug, Serialize, Deserialize)]
struct InFolder {
    stored: Stored,
    metadata: Metadata,
}

impl VideoJobs {
    /// Hands out what the source of a job lists: each video once, no more than the job asks for. A job that has found nothing ends well.
    pub async fn hand_out(&self, run: Run, job: &VideoJob, found: Vec<Found>, lines: Vec<Line>) -> Result<(), Lost> {
        let (part_of, now) = (run.part_of(), self.jobs.clock.now());
        let mut seen = HashSet::new();
        let limit = usize::try_from(job.order.limit).unwrap_or(usize::MAX);
        let distinct = found.into_iter().filter(|found| seen.insert(found.id.clone())).take(limit);
        let videos: Vec<_> = distinct
            .enumerate()
            .map(|(number, found)| Video::found(job, &part_of, number, found, now, &self.jobs.policy))
            .collect();
        if videos.is_empty() {
            return run.complete_with(Update::new(), Vec::new(), lines).await;
        }
        let more = Counts { videos: i64::try_from(videos.len()).unwrap_or(i64::MAX), ..Counts::default() };
        let counted = Self::counted(&job.tenant, more.add());
        run.fan_out_with(&videos, self.videos_at_once, HANDED_OUT, vec![counted], lines).await
    }

    /// Ends a job whose videos have ended: badly, if none of them was stored.
    pub async fn conclude(&self, run: Run, job: &VideoJob, lines: Vec<Line>) -> Result<(), Lost> {
        let join = match &job.job.children {
            Some(children) => self.jobs.join(children).await?,
            None => None,
        };
        if join.is_some_and(|Join { children, children_failed, .. }| children_failed == children) {
            return run.fail_with(NONE_WORKED, Update::new(), Vec::new(), lines).await;
        }
        run.complete_with(Update::new(), Vec::new(), lines).await
    }

    /// Where a video is stored already, by a job that was to fetch it into the same folder.
    pub async fn stored_before(&self, video: &Video) -> Result<Option<(Stored, Metadata)>, TableError> {
        let key = folder_key(&video.listed_by, &video.folder, &video.video_id);
        let found: Option<InFolder> = self.jobs.table.get(&key).await?;
        Ok(found.map(|InFolder { stored, metadata }| (stored, metadata)))
    }

    /// A video is being downloaded, of which this is known by now. [`Lost::Superseded`] says to stop, here as with each other step: its job
    /// was cancelled or is gone, or somebody else has the video.
    pub async fn downloading(run: &mut Run, metadata: &Metadata) -> Result<(), Lost> {
        step(run, Stage::Downloading, 10, known(metadata)?).await
    }

    /// A video is downloaded, of which all is known now.
    pub async fn downloaded(run: &mut Run, metadata: &Metadata) -> Result<(), Lost> {
        step(run, Stage::Downloaded, 50, known(metadata)?).await
    }

    /// A video is being stored.
    pub async fn uploading(run: &mut Run) -> Result<(), Lost> {
        step(run, Stage::Uploading, 60, Update::new()).await
    }

    /// Ends a video that is stored now, and remembers it of its folder.
    pub async fn uploaded(
        run: Run,
        video: &Video,
        metadata: Metadata,
        stored: Stored,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        let bytes = i64::try_from(stored.bytes).unwrap_or(i64::MAX);
        let metadata = metadata.bounded();
        let in_folder = Beside {
            key: folder_key(&video.listed_by, &video.folder, &video.video_id),
            update: Update::new().set("stored", map(&stored)?).set("metadata", map(&metadata)?),
        };
        let more = Counts { bytes_stored: bytes, ..Counts::default() };
        let beside = vec![Self::counted(&video.listed_by, more.add()), in_folder];
        run.complete_with(end(&metadata, &stored, bytes)?, beside, lines).await
    }

    /// Ends a video that another job has stored before: it is not fetched again, and no byte is counted.
    pub async fn already_stored(
        run: Run,
        (stored, metadata): (Stored, Metadata),
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        run.complete_with(end(&metadata, &stored, 0)?, Vec::new(), lines).await
    }

    /// Ends a video that could not be fetched or stored, or gives it back for another attempt. `stage` is how far it has come.
    pub async fn failed(
        run: Run,
        video: &Video,
        stage: Option<Stage>,
        failure: Failure,
        reason: &str,
        lines: Vec<Line>,
    ) -> Result<(), Lost> {
        if failure == Failure::Transient {
            return run.retry(reason, lines).await;
        }
        if !matches!(stage, Some(Stage::Downloaded | Stage::Uploading)) {
            return run.fail_with(reason, Update::new(), Vec::new(), lines).await;
        }
        let more = Counts { videos_not_stored: 1, ..Counts::default() };
        let counted = Self::counted(&video.listed_by, more.add());
        run.fail_with(reason, Update::new().set("not_stored", true), vec![counted], lines).await
    }
}

async fn step(run: &mut Run, stage: Stage, percent: u8, more: Update) -> Result<(), Lost> {
    let more = more.set("stage", stage.as_str());
    run.record_with(Progress { percent, units_used: 0 }, more, Vec::new()).await
}

/// What is known of a video, with what listings are filtered by.
fn known(metadata: &Metadata) -> Result<Update, TableError> {
    let metadata = metadata.clone().bounded();
    let hashtags = metadata.hashtag_keys().into_iter().map(AttributeValue::S).collect();
    Ok(Update::new()
        .set("metadata", map(&metadata)?)
        .set_or_remove("author_key", metadata.author_key())
        .set("hashtag_keys", AttributeValue::L(hashtags)))
}

/// What is so of a video that has ended well.
fn end(metadata: &Metadata, stored: &Stored, bytes: i64) -> Result<Update, TableError> {
    Ok(known(metadata)?.set("stored", map(stored)?).set("bytes_counted", bytes).remove("stage"))
}

fn map<T: Serialize>(value: &T) -> Result<AttributeValue, TableError> {
    Ok(AttributeValue::M(encode(value)?))
}
