//! Jobs that an operator cleans away or takes up again, found by their keys.

use jobs::{Elsewhere, Outcome, Redriven, Results, Status};
use table::{Condition, Key, Millis, TableError, Update};

use crate::job::PortalJob;
use crate::jobs::{DeleteError, PortalJobs};
use crate::keys::{JOB, files_prefix};

impl PortalJobs {
    /// Deletes a job as [`Self::delete`] does; false if there is none.
    pub async fn remove(&self, key: &Key, results: &Results) -> Result<bool, DeleteError> {
        match self.at(key).await? {
            Some(job) => self.delete(&job.tenant, job.id, results).await,
            None => Ok(false),
        }
    }

    /// Deletes a job that failed up to a moment, with what is left of its files; false if there is none, or it is not so any more.
    pub async fn clean(&self, key: &Key, until: Millis, results: &Results) -> Result<bool, DeleteError> {
        let Some(job) = self.at(key).await? else { return Ok(false) };
        if self.jobs.begin_cleaning(key, until).await?.is_none() {
            return Ok(false);
        }
        results.delete_all(&files_prefix(&job.tenant, job.id)).await?;
        let failed = Condition::equal("status", Status::Failed.as_str());
        Ok(self.forget(&job.tenant, key, Outcome::Failed, &failed).await?)
    }

    /// Takes up the failed job of a letter again, as [`jobs::Jobs::redrive`] does: what its last worker said of it is no more.
    pub async fn redrive(&self, key: &Key, letter: &Elsewhere<'_>) -> Result<Redriven, TableError> {
        let anew = Update::new().remove("message").remove("worker").remove("entity_name");
        self.jobs.redrive(key, &anew, letter).await
    }

    /// The job at a key; none if that is something else's.
    async fn at(&self, key: &Key) -> Result<Option<PortalJob>, TableError> {
        if key.sk.starts_with(JOB) { self.jobs.table.get(key).await } else { Ok(None) }
    }
}
