//! Jobs, made, shown and cancelled for their tenant.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::{try_join, try_join_all};
use jobs::{Account, Beside, Cancelled, Hint, Job, Jobs, Join, NewJob, Status, SubmitError, place};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Query, TableError, Update, decode, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::counts::Counts;
use crate::environment::QUEUE_KIND;
use crate::keys::{account_key, counts_key, job_key};
use crate::order::Order;
use crate::video::Video;

/// The priority of every job: they wait in the order of their submission.
const MEDIUM: u8 = 5;
/// How many items are read at once (the service's limit).
const BATCH: usize = 100;

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoJob {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What makes it a job.
    #[serde(flatten)]
    pub job: Job,
    /// The account whose slots it takes.
    pub account: Key,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: String,
    /// What it is to fetch.
    #[serde(flatten)]
    pub order: Order,
    /// The schedule that it is a run of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<Uuid>,
    /// Whether it is deleted, and only waits to be cleared away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// A job, and how far its videos are; none before its source was listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The job.
    pub job: VideoJob,
    /// What its videos have in common.
    pub join: Option<Join>,
}

/// What is counted of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Its jobs.
    pub account: Account,
    /// Its videos and schedules.
    pub counts: Counts,
}

/// Why a job was not cancelled.
#[derive(Debug, Error)]
pub enum CancelError {
    /// The tenant has no such job.
    #[error("no such job")]
    Missing,
    /// It has ended.
    #[error("the job has ended")]
    Ended,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The video jobs of all tenants.
#[derive(Clone, Debug)]
pub struct VideoJobs {
    /// What makes them jobs.
    pub jobs: Jobs,
    jobs_at_once: u32,
    pub(crate) videos_at_once: u32,
}

impl VideoJob {
    /// The job, as it is submitted.
    pub(crate) const fn as_new(&self) -> NewJob<'_, Self> {
        NewJob {
            key: &self.key,
            item: self,
            job: &self.job,
            account: &self.account,
            sort: self.order.mode.as_str(),
            only_if: &[],
        }
    }
}

impl Shown {
    /// How many videos there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.join.as_ref().map_or(0, |join| join.children)
    }

    /// How many of them failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.join.as_ref().map_or(0, |join| join.children_failed)
    }

    /// How many of them are stored.
    #[must_use]
    pub fn successful(&self) -> u64 {
        let ended = self.join.as_ref().map_or(0, |join| join.children.saturating_sub(join.children_open));
        ended.saturating_sub(self.failed())
    }

    /// How many of a hundred have ended. A job that has ended well is whole, also when it found nothing.
    #[must_use]
    pub fn progress(&self) -> u8 {
        if self.job.job.status == Status::Completed {
            return 100;
        }
        let ended = self.successful() + self.failed();
        u8::try_from((ended * 100).checked_div(self.total()).unwrap_or(0)).unwrap_or(100)
    }
}

impl VideoJobs {
    /// The video jobs among these, of which each tenant runs so many, and each job works on so many of its videos, at once.
    #[must_use]
    pub const fn new(jobs: Jobs, jobs_at_once: u32, videos_at_once: u32) -> Self {
        Self { jobs, jobs_at_once, videos_at_once }
    }

    /// A new job, not yet stored.
    pub(crate) fn make(&self, tenant: &str, order: Order) -> VideoJob {
        let now = self.jobs.clock.now();
        let id = new_id(now);
        VideoJob {
            key: job_key(tenant, id),
            job: Job::submitted(QUEUE_KIND, now, 0, place(MEDIUM, now.0), &self.jobs.policy),
            account: account_key(tenant),
            id,
            tenant: tenant.to_owned(),
            order,
            schedule_id: None,
            deleted: false,
        }
    }

    /// Stores a job, with what changes beside it; whose tenant has no account yet gets one.
    pub(crate) async fn store(&self, job: &VideoJob, beside: Vec<Beside>) -> Result<(), SubmitError> {
        self.jobs.store_opening(job.as_new(), &Account::granted(0, self.jobs_at_once), beside).await
    }

    /// Makes a job of `tenant`, and sends its message.
    pub async fn create(&self, tenant: &str, order: Order) -> Result<Shown, TableError> {
        let job = self.make(tenant, order);
        self.store(&job, Vec::new()).await.map_err(|error| match error {
            SubmitError::Table(error) => error,
            // Jobs cost no units, and nothing else is asked of the account.
            SubmitError::Refused(_) | SubmitError::Beside => {
                TableError::Broken(format!("a video job was refused: {error}"))
            }
        })?;
        self.jobs.queue.hint(&Hint::waits(job.key.clone()), Duration::ZERO).await;
        Ok(Shown { job, join: None })
    }

    /// A tenant's job.
    pub async fn get(&self, tenant: &str, id: Uuid) -> Result<Option<Shown>, TableError> {
        self.at(&job_key(tenant, id)).await
    }

    /// The job of a key.
    pub async fn at(&self, key: &Key) -> Result<Option<Shown>, TableError> {
        let Some(job) = self.stored(key).await? else { return Ok(None) };
        let join = match &job.job.children {
            Some(children) => self.jobs.join(children).await?,
            None => None,
        };
        Ok(Some(Shown { job, join }))
    }

    /// A tenant's job, unless it is deleted.
    pub(crate) async fn find(&self, tenant: &str, id: Uuid) -> Result<Option<VideoJob>, TableError> {
        self.stored(&job_key(tenant, id)).await
    }

    async fn stored(&self, key: &Key) -> Result<Option<VideoJob>, TableError> {
        let job: Option<VideoJob> = self.jobs.table.get(key).await?;
        Ok(job.filter(|job| !job.deleted))
    }

    /// These jobs with how far they are.
    pub(crate) async fn with_joins(&self, jobs: Vec<VideoJob>) -> Result<Vec<Shown>, TableError> {
        let keys: Vec<_> = jobs.iter().filter_map(|job| job.job.children.clone()).collect();
        let batches = try_join_all(keys.chunks(BATCH).map(|keys| self.jobs.joins(keys))).await?;
        let joins: HashMap<_, _> = batches.into_iter().flatten().map(|join| (join.key.clone(), join)).collect();
        let join_of = |job: &VideoJob| job.job.children.as_ref().and_then(|children| joins.get(children)).cloned();
        Ok(jobs.into_iter().map(|job| Shown { join: join_of(&job), job }).collect())
    }

    /// The videos that a job has found, as it found them.
    pub async fn videos_of(&self, job: &VideoJob) -> Result<Vec<Video>, TableError> {
        let Some(join) = &job.job.children else { return Ok(Vec::new()) };
        let videos = Condition::Between("sk", "CHILD#".into(), "CHILD#~".into());
        let mut query = Query::new(Condition::All(vec![Condition::equal("pk", join.pk.as_str()), videos])).consistent();
        let mut found = Vec::new();
        loop {
            let page = self.jobs.table.query(query.clone()).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => query = query.start(Some(next)),
                None => return Ok(found),
            }
        }
    }

    /// Items by their keys, in this order; those that are gone are left out.
    pub(crate) async fn items<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<T>, TableError> {
        let batches = try_join_all(keys.chunks(BATCH).map(|keys| self.jobs.table.get_many(keys))).await?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// Ends a job that has not ended. What a worker is at stops with its next step.
    pub async fn cancel(&self, tenant: &str, id: Uuid) -> Result<Shown, CancelError> {
        let Some(job) = self.find(tenant, id).await? else { return Err(CancelError::Missing) };
        match self.jobs.cancel(&job.key).await? {
            Cancelled::Now { .. } => self.get(tenant, id).await?.ok_or(CancelError::Missing),
            Cancelled::AlreadyEnded => Err(CancelError::Ended),
            Cancelled::Missing => Err(CancelError::Missing),
        }
    }

    /// What is counted of a tenant.
    pub async fn overview(&self, tenant: &str) -> Result<Overview, TableError> {
        let keys = [account_key(tenant), counts_key(tenant)];
        let (account, counts) =
            try_join(self.jobs.table.get_item(&keys[0], true), self.jobs.table.get_item(&keys[1], true)).await?;
        Ok(Overview {
            account: account.map(decode).transpose()?.unwrap_or_default(),
            counts: counts.map(decode).transpose()?.unwrap_or_default(),
        })
    }

    /// A change of what is counted of a tenant.
    pub(crate) fn counted(tenant: &str, change: Update) -> Beside {
        Beside { key: counts_key(tenant), update: change }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jobs::{PartOf, Policy, Slots};
    use table::{Millis, encode};

    use super::*;
    use crate::order::Mode;
    use crate::video::Found;
    use crate::work::Work;

    fn job(status: Status) -> VideoJob {
        let policy = Policy::with_lease(Duration::from_mins(1));
        let order = Order {
            mode: Mode::Profile,
            value: "khaby.lame".to_owned(),
            limit: 50,
            no_watermark: true,
            since: None,
            until: Some(Millis(5)),
            drive_folder_id: None,
        };
        let id = Uuid::nil();
        let job = Job { status, ..Job::submitted(QUEUE_KIND, Millis(1), 0, place(5, 1), &policy) };
        let account = account_key("t");
        let (key, tenant) = (job_key("t", id), "t".to_owned());
        VideoJob { key, job, account, id, tenant, order, schedule_id: None, deleted: false }
    }

    fn join(children: u64, open: u64, failed: u64) -> Join {
        let parent = job_key("t", Uuid::nil());
        Join {
            key: PartOf::new(&parent, 1).join,
            parent,
            is_open: true,
            children,
            children_open: open,
            children_failed: failed,
            units_used: 0,
            log_lines: 0,
            slots: Slots::of(2),
        }
    }

    #[test]
    fn progress_is_what_has_ended_of_what_there_is() {
        for (status, join, expected) in [
            (Status::Pending, None, (0, 0, 0, 0)),
            (Status::Running, Some(join(50, 50, 0)), (0, 50, 0, 0)),
            (Status::Running, Some(join(50, 27, 1)), (46, 50, 22, 1)),
            (Status::Running, Some(join(3, 1, 0)), (66, 3, 2, 0)),
            (Status::Completed, Some(join(50, 0, 2)), (100, 50, 48, 2)),
            (Status::Completed, None, (100, 0, 0, 0)),
            (Status::Failed, Some(join(2, 0, 2)), (100, 2, 0, 2)),
            (Status::Cancelled, Some(join(4, 3, 0)), (25, 4, 1, 0)),
        ] {
            let shown = Shown { job: job(status), join };
            assert_eq!((shown.progress(), shown.total(), shown.successful(), shown.failed()), expected, "{status:?}");
        }
    }

    #[test]
    fn a_hint_leads_to_a_job_or_to_a_video_and_each_is_read_as_what_it_is() {
        let job = job(Status::Running);
        let part_of = PartOf::new(&job.key, 3);
        let found = Found { id: "7".to_owned(), ..Found::default() };
        let policy = Policy::with_lease(Duration::from_mins(1));
        let video = Video::found(&job, &part_of, 1, found, Millis(9), &policy);
        let read: Work = decode(encode(&job).unwrap()).unwrap();
        assert_eq!(read, Work::Job(Box::new(job)));
        let read: Work = decode(encode(&video).unwrap()).unwrap();
        assert_eq!(read, Work::Video(Box::new(video)));
    }
}
