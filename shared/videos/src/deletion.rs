//! Deleting a job with its videos. It is marked first, and from then on there is no such job; what it leaves is cleared away at once, a bounded
//! part in each transaction, or, where that is interrupted, by the scheduler.

use std::time::Duration;

use jobs::{Account, Cancelled, Outcome, Status};
use table::{Condition, Key, Millis, Query, TableError, Transaction, Update};
use thiserror::Error;
use uuid::Uuid;

use crate::counts::Counts;
use crate::keys::{JOB, Keyed, counts_key};
use crate::retry::as_read;
use crate::store::{VideoJob, VideoJobs};
use crate::video::Video;

/// The `job_kind` of a job that is deleted and not cleared away.
const DELETED_KIND: &str = "video-deleted";
/// How long the one who deletes a job has to clear it away, before the scheduler does.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many videos one transaction deletes: with their counts fewer than the service's limit of 100 actions.
const BATCH: usize = 50;
/// How often it is tried while videos change.
const RACES: u32 = 10;
/// How many deleted jobs are read at a time.
const PAGE: u32 = 20;

/// Why something was not deleted.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// The tenant has no such thing.
    #[error("there is no such thing")]
    Missing,
    /// A worker has, or will have, to do with it.
    #[error("the video's job has not ended with it")]
    NotEnded,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl VideoJobs {
    /// Deletes a job, cancelled first if it has not ended, with its videos. What is stored of them stays.
    pub async fn delete(&self, tenant: &str, id: Uuid) -> Result<(), DeleteError> {
        let job = self.mark_deleted(tenant, id).await?;
        Ok(self.clear(&job).await?)
    }

    /// Deletes a job as [`Self::delete`] does; false if there is none.
    pub async fn remove(&self, key: &Key) -> Result<bool, DeleteError> {
        if !key.sk.starts_with(JOB) {
            return Ok(false);
        }
        let job: Option<VideoJob> = self.jobs.table.get(key).await?;
        let Some(job) = job.filter(|job| !job.deleted) else { return Ok(false) };
        match self.delete(&job.tenant, job.id).await {
            Ok(()) => Ok(true),
            Err(DeleteError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a job that failed up to a moment, with its videos; false if it is another's, or not so any more.
    pub async fn clean(&self, key: &Key, until: Millis) -> Result<bool, TableError> {
        let job: Option<VideoJob> = self.jobs.table.get(key).await?;
        let failed = job.filter(|job| !job.deleted && job.job.status == Status::Failed);
        let Some(job) = failed.filter(|job| job.job.redeliver_at.is_some_and(|at| at <= until)) else {
            return Ok(false);
        };
        match self.mark(&job, Outcome::Failed).await {
            Ok(()) => self.clear(&job).await.map(|()| true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The first step of a deletion: from now on there is no such job. What it leaves waits to be cleared away.
    pub async fn mark_deleted(&self, tenant: &str, id: Uuid) -> Result<VideoJob, DeleteError> {
        for _ in 0..RACES {
            let Some(job) = self.find(tenant, id).await? else { return Err(DeleteError::Missing) };
            match self.jobs.cancel(&job.key).await? {
                Cancelled::Missing => return Err(DeleteError::Missing),
                // Read again: as what it has ended is what it is counted as.
                Cancelled::Now { .. } => continue,
                Cancelled::AlreadyEnded => {}
            }
            let Some(outcome) = Outcome::of(job.job.status) else { continue };
            match self.mark(&job, outcome).await {
                Ok(()) => return Ok(job),
                // Another deletion was faster, or one of its videos is tried again.
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be deleted".to_owned()).into())
    }

    /// From now on there is no such job, and its account counts it no more.
    async fn mark(&self, job: &VideoJob, outcome: Outcome) -> Result<(), TableError> {
        let table = &self.jobs.table;
        let mark = Update::new()
            .set("deleted", true)
            // Nobody takes it up again.
            .set("is_cleaned", true)
            .set("job_kind", DELETED_KIND)
            .set("redeliver_at", self.jobs.clock.now().after(PATIENCE))
            .when(Condition::equal("status", job.job.status.as_str()))
            .when(Condition::equal("lease_token", job.job.lease.lease_token))
            .when(Condition::Absent("deleted"));
        let transaction =
            Transaction::new().update(table, &job.key, mark)?.update(table, &job.account, Account::forget(outcome))?;
        // No video of it can be tried again, whatever was read before.
        let transaction = match &job.job.children {
            Some(join) => {
                transaction.update(table, join, Update::new().set("is_open", false).when(Condition::Exists("pk")))?
            }
            None => transaction,
        };
        transaction.commit(table).await
    }

    /// Clears a deleted job away. Whoever does it again goes on where it was left.
    async fn clear(&self, job: &VideoJob) -> Result<(), TableError> {
        let table = &self.jobs.table;
        let mut races = 0;
        loop {
            let videos = self.videos_of(job).await?;
            if videos.is_empty() {
                break;
            }
            for batch in videos.chunks(BATCH) {
                match self.clear_videos(&job.tenant, batch).await {
                    Err(TableError::ConditionFailed(_)) if races < RACES => races += 1,
                    cleared => cleared?,
                }
            }
        }
        if let Some(join) = &job.job.children {
            table.delete(join).await?;
        }
        table.delete(&job.key).await?;
        Ok(())
    }

    async fn clear_videos(&self, tenant: &str, videos: &[Video]) -> Result<(), TableError> {
        let table = &self.jobs.table;
        let counted = videos.iter().fold(Counts::default(), |sum, video| sum.plus(Counts::of(video)));
        let mut transaction = Transaction::new();
        for video in videos {
            transaction = transaction.delete(table, &video.key, &as_read(video))?;
        }
        transaction.update(table, &counts_key(tenant), counted.subtract())?.commit(table).await
    }

    /// Clears away what deletions have left, until `until`; gives how many jobs that were.
    pub async fn clear_deleted(&self, until: Millis) -> Result<usize, TableError> {
        let mut cleared = 0;
        let mut start = None;
        loop {
            let now = self.jobs.clock.now();
            let due = Condition::All(vec![
                Condition::equal("job_kind", DELETED_KIND),
                Condition::at_most("redeliver_at", now),
            ]);
            let query = Query::new(due).index("due").limit(PAGE).start(start.take());
            let page = self.jobs.table.query::<Keyed>(query).await?;
            for found in page.items {
                let job: Option<VideoJob> = self.jobs.table.get(&found.key).await?;
                if let Some(job) = job.filter(|job| job.deleted) {
                    self.clear(&job).await?;
                    cleared += 1;
                }
            }
            match page.next {
                Some(next) if self.jobs.clock.now() < until => start = Some(next),
                _ => return Ok(cleared),
            }
        }
    }
}
