//! A video of a job.

use std::fmt;

use jobs::{Job, PartOf, Policy, Status, place};
use serde::{Deserialize, Serialize};
use table::{Key, Millis};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::environment::QUEUE_KIND;
use crate::keys::{counts_key, listed_as, source, video_of};
use crate::order::{Mode, Order};
use crate::store::VideoJob;

/// The longest text of a video's description, in characters; what is longer is cut.
const LONGEST_DESCRIPTION: usize = 4_000;
/// The longest of any other text.
const LONGEST_TEXT: usize = 500;
/// How many hashtags are kept.
const MOST_HASHTAGS: usize = 50;
/// The longest hashtag, in characters.
const LONGEST_HASHTAG: usize = 100;

/// Where a video stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VideoStatus {
    /// Waits for a worker; or its job was cancelled before it was fetched.
    Pending,
    /// Is being downloaded.
    Downloading,
    /// Is downloaded.
    Downloaded,
    /// Is being stored.
    Uploading,
    /// Is stored.
    Uploaded,
    /// Could not be fetched or stored.
    Failed,
}

impl VideoStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Downloading, Self::Downloaded, Self::Uploading, Self::Uploaded, Self::Failed];

    /// The status as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Downloading => "downloading",
            Self::Downloaded => "downloaded",
            Self::Uploading => "uploading",
            Self::Uploaded => "uploaded",
            Self::Failed => "failed",
        }
    }

    /// What a job of this status is as a video, at this stage of its work.
    pub(crate) const fn of(status: Status, stage: Option<Stage>) -> Self {
        match (status, stage) {
            (Status::Completed, _) => Self::Uploaded,
            (Status::Failed, _) => Self::Failed,
            (Status::Pending | Status::Cancelled, _) | (Status::Running, None) => Self::Pending,
            (Status::Running, Some(Stage::Downloading)) => Self::Downloading,
            (Status::Running, Some(Stage::Downloaded)) => Self::Downloaded,
            (Status::Running, Some(Stage::Uploading)) => Self::Uploading,
        }
    }
}

/// How far the work on a video has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It is being downloaded.
    Downloading,
    /// It is downloaded.
    Downloaded,
    /// It is being stored.
    Uploading,
}

impl Stage {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Downloading => "downloading",
            Self::Downloaded => "downloaded",
            Self::Uploading => "uploading",
        }
    }
}

/// A video that a source lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// What the platform calls it.
    pub id: String,
    /// What is known of it so far.
    pub metadata: Metadata,
}

/// What is known of a video.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The address of its page.
    pub url: String,
    /// What its author says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    /// Its author's user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_username: Option<String>,
    /// Its author's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_nickname: Option<String>,
    /// How often it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<u64>,
    /// How many like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likes: Option<u64>,
    /// How many comments it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<u64>,
    /// How often it was shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<u64>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at_tiktok: Option<Millis>,
    /// The title of its music.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub music_title: Option<String>,
    /// Whether it has a watermark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_watermark: Option<bool>,
    /// The size of its file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// How long it is, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Its hashtags, without `#`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashtags: Vec<String>,
}

impl Metadata {
    /// The same, with texts that are too long cut.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut(&mut self.url, 2_000);
        for (text, longest) in [
            (&mut self.desc, LONGEST_DESCRIPTION),
            (&mut self.author_username, LONGEST_TEXT),
            (&mut self.author_nickname, LONGEST_TEXT),
            (&mut self.music_title, LONGEST_TEXT),
        ] {
            if let Some(text) = text {
                cut(text, longest);
            }
        }
        self.hashtags.truncate(MOST_HASHTAGS);
        for hashtag in &mut self.hashtags {
            cut(hashtag, LONGEST_HASHTAG);
        }
        self
    }

    /// The author, as listings are filtered by.
    pub(crate) fn author_key(&self) -> Option<String> {
        self.author_username.as_ref().map(|name| name.to_lowercase())
    }

    /// The hashtags, as listings are filtered by.
    pub(crate) fn hashtag_keys(&self) -> Vec<String> {
        self.hashtags.iter().map(|hashtag| hashtag.to_lowercase()).collect()
    }
}

fn cut(text: &mut String, longest: usize) {
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
    }
}

/// Where a video is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its folder, as `TikTok/profile/khaby.lame/2025/01`.
    pub folder_path: String,
    /// Its file's id in Google Drive; none where it is in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive_file_id: Option<String>,
    /// The address of its file in Google Drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_link: Option<String>,
    /// The address of the file beside it that has its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_link: Option<String>,
    /// Its key in the object store; none where it is in Google Drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_key: Option<String>,
    /// The size of its file, in bytes.
    pub bytes: u64,
}

/// An upload to Google Drive that was begun: whoever goes on with it makes no other file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id that the video's file will have.
    pub file_id: String,
    /// The id that the file with its metadata will have.
    pub metadata_id: String,
    /// What Google Drive knows the upload by. Whoever has it may write the file: it is shown to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("file_id", &self.file_id).finish_non_exhaustive()
    }
}

/// A video as it is stored: a child of its job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What makes it a job.
    #[serde(flatten)]
    pub job: Job,
    /// Whose part it is.
    pub part_of: PartOf,
    /// What the platform calls it.
    pub video_id: String,
    /// The job that found it.
    pub job_id: Uuid,
    /// Whose it is; the partition of the index `listed`.
    pub listed_by: String,
    /// Its place in the indexes that list it.
    pub listed_as: String,
    /// The partition of the index `by_source`.
    pub source: String,
    /// The partition of the index `by_video`.
    pub video_of: String,
    /// The mode of its job.
    pub mode: Mode,
    /// The name that its job fetches.
    pub value: String,
    /// Whether a version without a watermark is looked for.
    pub no_watermark: bool,
    /// The folder of Google Drive that its job's folders are made in; the deployment's own if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive_folder_id: Option<String>,
    /// The folder that it is stored in, as orders tell it apart.
    pub folder: String,
    /// Its author, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_key: Option<String>,
    /// Its hashtags, in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashtag_keys: Vec<String>,
    /// What is known of it.
    pub metadata: Metadata,
    /// How far the work on it has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Its upload to Google Drive, if one was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
    /// Where it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Whether it failed after it was downloaded, and is counted so.
    #[serde(default)]
    pub not_stored: bool,
    /// How many bytes of it were counted as stored: none where another job had stored it before.
    #[serde(default)]
    pub bytes_counted: i64,
}

impl Video {
    /// The `number`th video that a job has found.
    pub(crate) fn found(
        job: &VideoJob,
        part_of: &PartOf,
        number: usize,
        found: Found,
        now: Millis,
        policy: &Policy,
    ) -> Self {
        let Order { mode, value, no_watermark, drive_folder_id, .. } = &job.order;
        let metadata = found.metadata.bounded();
        Self {
            key: part_of.child(number),
            job: Job {
                reports_to: Some(counts_key(&job.tenant)),
                ..Job::submitted(QUEUE_KIND, now, 0, place(5, number as u64), policy)
            },
            part_of: part_of.clone(),
            job_id: job.id,
            listed_by: job.tenant.clone(),
            listed_as: listed_as(job.id, number),
            source: source(&job.tenant, value),
            video_of: video_of(&job.tenant, &found.id),
            video_id: found.id,
            mode: *mode,
            value: value.clone(),
            no_watermark: *no_watermark,
            drive_folder_id: drive_folder_id.clone(),
            folder: job.order.folder(),
            author_key: metadata.author_key(),
            hashtag_keys: metadata.hashtag_keys(),
            metadata,
            stage: None,
            upload: None,
            stored: None,
            not_stored: false,
            bytes_counted: 0,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> VideoStatus {
        VideoStatus::of(self.job.status, self.stage)
    }

    pub(crate) fn is_uploaded(&self) -> bool {
        self.job.status == Status::Completed
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.job.status == Status::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_stands_where_its_work_has_come_to() {
        for (status, stage, shown) in [
            (Status::Pending, None, "pending"),
            // It waits for another attempt.
            (Status::Pending, Some(Stage::Uploading), "pending"),
            (Status::Running, None, "pending"),
            (Status::Running, Some(Stage::Downloading), "downloading"),
            (Status::Running, Some(Stage::Downloaded), "downloaded"),
            (Status::Running, Some(Stage::Uploading), "uploading"),
            (Status::Completed, Some(Stage::Uploading), "uploaded"),
            (Status::Failed, Some(Stage::Downloading), "failed"),
            (Status::Cancelled, Some(Stage::Downloading), "pending"),
        ] {
            assert_eq!(VideoStatus::of(status, stage).as_str(), shown, "{status:?} {stage:?}");
        }
    }

    #[test]
    fn what_a_platform_says_at_length_is_cut_between_characters() {
        let metadata =
            Metadata { desc: Some("é".repeat(5_000)), hashtags: vec!["ß".repeat(300); 80], ..Metadata::default() };
        let bounded = metadata.bounded();
        assert_eq!(bounded.desc.unwrap().chars().count(), LONGEST_DESCRIPTION);
        assert_eq!((bounded.hashtags.len(), bounded.hashtags[0].chars().count()), (MOST_HASHTAGS, LONGEST_HASHTAG));
    }
}
