//! Single videos: shown, tried again, deleted.

use jobs::{Elsewhere, Reopened};
use table::{Condition, Query, TableError, Transaction, Update};
use thiserror::Error;

use crate::counts::Counts;
use crate::deletion::DeleteError;
use crate::keys::{Keyed, counts_key, video_of};
use crate::store::VideoJobs;
use crate::video::Video;

/// How often a deletion is tried whose video changes meanwhile.
const RACES: u32 = 5;

/// Why a video was not tried again.
#[derive(Debug, Error)]
pub enum RetryError {
    /// The tenant has no such video.
    #[error("no such video")]
    Missing,
    /// It has not failed.
    #[error("the video has not failed")]
    NotFailed,
    /// Its job was cancelled or is deleted.
    #[error("the video's job was cancelled")]
    NotWanted,
    /// Its job is just ending.
    #[error("the video's job is just ending; try again in a moment")]
    Ending,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl VideoJobs {
    /// A tenant's video: of several jobs that have found it, what the last one made of it.
    pub async fn video(&self, tenant: &str, id: &str) -> Result<Option<Video>, TableError> {
        let records = Query::new(Condition::equal("video_of", video_of(tenant, id)));
        let page = self.jobs.table.query::<Keyed>(records.index("by_video").descending(true).limit(1)).await?;
        match page.items.first() {
            Some(found) => self.jobs.table.get(&found.key).await,
            None => Ok(None),
        }
    }

    /// Tries a failed video again, also after its job has ended, which then runs again.
    pub async fn retry(&self, tenant: &str, id: &str) -> Result<Video, RetryError> {
        let Some(video) = self.video(tenant, id).await? else { return Err(RetryError::Missing) };
        if !video.is_failed() {
            return Err(RetryError::NotFailed);
        }
        match self.reopen(&video, None).await? {
            Reopened::Waits => self.jobs.table.get(&video.key).await?.ok_or(RetryError::Missing),
            Reopened::NotFailed => Err(RetryError::NotFailed),
            Reopened::NotWanted => Err(RetryError::NotWanted),
            Reopened::Ending | Reopened::Elsewhere => Err(RetryError::Ending),
            Reopened::Missing => Err(RetryError::Missing),
        }
    }

    /// Takes a failed video up again, with its counts, and together with a change of another table.
    pub async fn reopen(&self, video: &Video, elsewhere: Option<&Elsewhere<'_>>) -> Result<Reopened, TableError> {
        let as_failed = Counts { videos: 0, ..Counts::of(video) };
        let counted = Self::counted(&video.listed_by, as_failed.subtract());
        let anew = Update::new().remove("stage").remove("not_stored");
        self.jobs.reopen_with(&video.key, anew, vec![counted], elsewhere).await
    }

    /// Deletes the record of a video that is not being worked on. What is stored of it stays, and so do the counts of its job.
    pub async fn delete_video(&self, tenant: &str, id: &str) -> Result<(), DeleteError> {
        for _ in 0..RACES {
            let Some(video) = self.video(tenant, id).await? else { return Err(DeleteError::Missing) };
            let Some(join) = self.jobs.join(&video.part_of.join).await? else { return Err(DeleteError::Missing) };
            if join.is_open && !video.job.status.is_final() {
                return Err(DeleteError::NotEnded);
            }
            let deleted = Transaction::new()
                .delete(&self.jobs.table, &video.key, &as_read(&video))?
                .update(&self.jobs.table, &counts_key(tenant), Counts::of(&video).subtract())?
                .commit(&self.jobs.table)
                .await;
            match deleted {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Unavailable("the video changes faster than it can be deleted".to_owned()).into())
    }
}

/// Holds while a video counts as what it counted as when it was read.
pub(crate) fn as_read(video: &Video) -> Condition {
    Condition::equal("status", video.job.status.as_str())
}
