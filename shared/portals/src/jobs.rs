//! Jobs, made, shown, listed and deleted for their tenant.

use std::time::Duration;

use ::jobs::{Account, Cancelled, Hint, Job, Jobs, NewJob, Outcome, Results, ResultsError, SubmitError, place, usage};
use futures::future::try_join_all;
use table::{AttributeValue, Condition, Item, Key, Query, TableError, Transaction, cursor, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::account::PortalAccount;
use crate::environment::QUEUE_KIND;
use crate::job::PortalJob;
use crate::keys::{JOB, account_key, files_prefix, job_key, partition, portal_job};
use crate::listing::Listing;
use crate::portal::Portal;

/// The priority of every job: they wait in the order of their submission.
const MEDIUM: u8 = 5;
/// How many items are read at once (the service's limit).
const BATCH: usize = 100;
/// How often a deletion is tried while the job changes.
const RACES: u32 = 10;

/// Why a job was not deleted.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// Its files were not deleted.
    #[error(transparent)]
    Files(#[from] ResultsError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The portal jobs of all tenants.
#[derive(Clone, Debug)]
pub struct PortalJobs {
    /// What makes them jobs.
    pub jobs: Jobs,
    at_once: u32,
}

impl PortalJobs {
    /// The portal jobs among these, of which each tenant runs so many at once.
    #[must_use]
    pub const fn new(jobs: Jobs, at_once: u32) -> Self {
        Self { jobs, at_once }
    }

    /// Makes a job with this account, and sends its message.
    pub async fn create(&self, with: &PortalAccount) -> Result<PortalJob, TableError> {
        let job = self.make(with);
        let new = NewJob {
            key: &job.key,
            item: &job,
            job: &job.job,
            account: &job.account,
            sort: job.portal.as_str(),
            only_if: &[],
        };
        let stored = self.jobs.store_opening(new, &Account::granted(0, self.at_once), Vec::new()).await;
        stored.map_err(|error| match error {
            SubmitError::Table(error) => error,
            // Jobs cost no units, and nothing else is asked of the account.
            SubmitError::Refused(_) | SubmitError::Beside => {
                TableError::Broken(format!("a portal job was refused: {error}"))
            }
        })?;
        self.jobs.queue.hint(&Hint::waits(job.key.clone()), Duration::ZERO).await;
        Ok(job)
    }

    fn make(&self, with: &PortalAccount) -> PortalJob {
        let now = self.jobs.clock.now();
        let id = new_id(now);
        PortalJob {
            key: job_key(&with.tenant, id),
            job: Job::submitted(QUEUE_KIND, now, 0, place(MEDIUM, now.0), &self.jobs.policy),
            account: account_key(&with.tenant),
            id,
            tenant: with.tenant.clone(),
            portal: with.portal,
            email: with.email.clone(),
            portal_job: portal_job(with.portal, id),
            entity_name: None,
            worker: None,
            message: None,
            files: Vec::new(),
        }
    }

    /// A tenant's job.
    pub async fn get(&self, tenant: &str, id: Uuid) -> Result<Option<PortalJob>, TableError> {
        self.jobs.table.get(&job_key(tenant, id)).await
    }

    /// A page of a tenant's jobs, of one portal if any, the newest first. None if `after` is no cursor of ours.
    pub async fn list(
        &self,
        tenant: &str,
        portal: Option<Portal>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<PortalJob>>, TableError> {
        let after: Option<Uuid> = match after.map(cursor::read) {
            Some(None) => return Ok(None),
            position => position.flatten(),
        };
        let (items, last) = match portal {
            None => self.newest(tenant, limit, after).await?,
            Some(portal) => self.of_portal(tenant, portal, limit, after).await?,
        };
        Ok(Some(Listing { items, next: last.and_then(|last| cursor::write(&id_in(&last)?)) }))
    }

    async fn newest(
        &self,
        tenant: &str,
        limit: u32,
        after: Option<Uuid>,
    ) -> Result<(Vec<PortalJob>, Option<Item>), TableError> {
        let jobs = Condition::Between("sk", JOB.into(), format!("{JOB}~").into());
        let jobs = Query::new(Condition::All(vec![Condition::equal("pk", partition(tenant)), jobs]));
        let start = after.map(|id| job_key(tenant, id).into_item());
        let page = self.jobs.table.query(jobs.consistent().descending(true).limit(limit).start(start)).await?;
        Ok((page.items, page.next))
    }

    async fn of_portal(
        &self,
        tenant: &str,
        portal: Portal,
        limit: u32,
        after: Option<Uuid>,
    ) -> Result<(Vec<PortalJob>, Option<Item>), TableError> {
        let (first, last) = (format!("{}#", portal.as_str()), format!("{}#~", portal.as_str()));
        let jobs = Condition::Between("portal_job", first.into(), last.into());
        let jobs = Query::new(Condition::All(vec![Condition::equal("pk", partition(tenant)), jobs])).index("by_portal");
        let start = after.map(|id| {
            let mut start = job_key(tenant, id).into_item();
            start.insert("portal_job".to_owned(), AttributeValue::S(portal_job(portal, id)));
            start
        });
        let page = jobs.consistent().descending(true).limit(limit).start(start);
        let page = self.jobs.table.query::<Key>(page).await?;
        let batches = try_join_all(page.items.chunks(BATCH).map(|keys| self.jobs.table.get_many(keys))).await?;
        Ok((batches.into_iter().flatten().collect(), page.next))
    }

    /// Deletes a job with its files; one that has not ended is cancelled first, so that a worker that is at it is told by its next step. Whether there was
    /// one.
    ///
    /// The job goes last: if anything before that fails it is still there, and deleting it again goes on.
    pub async fn delete(&self, tenant: &str, id: Uuid, results: &Results) -> Result<bool, DeleteError> {
        let key = job_key(tenant, id);
        for _ in 0..RACES {
            let outcome = match self.jobs.cancel(&key).await? {
                Cancelled::Missing => return Ok(false),
                Cancelled::Now { .. } => Outcome::Cancelled,
                Cancelled::AlreadyEnded => match self.get(tenant, id).await? {
                    Some(job) => match Outcome::of(job.job.status) {
                        Some(outcome) => outcome,
                        None => continue,
                    },
                    None => return Ok(false),
                },
            };
            results.delete_all(&files_prefix(tenant, id)).await?;
            let is_as_counted = Condition::equal("status", outcome.status().as_str());
            // If not, somebody else deletes it.
            if self.forget(tenant, &key, outcome, &is_as_counted).await? {
                return Ok(true);
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be deleted".to_owned()).into())
    }

    /// Counts an e-mail about a tenant's job, unless there were `most` of them today (UTC); says whether it was counted.
    pub async fn count_mail(&self, tenant: &str, most: u64) -> Result<bool, TableError> {
        usage::count_mail(&self.jobs.table, &account_key(tenant), self.jobs.clock.now(), most).await
    }

    /// Deletes a tenant's job that has ended so, and counts it no more; false if it is not as it must be for that.
    pub(crate) async fn forget(
        &self,
        tenant: &str,
        key: &Key,
        outcome: Outcome,
        only_if: &Condition,
    ) -> Result<bool, TableError> {
        let table = &self.jobs.table;
        let deletion = Transaction::new().delete(table, key, only_if)?;
        let deletion = deletion.update(table, &account_key(tenant), Account::forget(outcome))?;
        match deletion.commit(table).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The id of the job that a query ended with.
fn id_in(last: &Item) -> Option<Uuid> {
    last.get("sk")?.as_s().ok()?.strip_prefix(JOB)?.parse().ok()
}
