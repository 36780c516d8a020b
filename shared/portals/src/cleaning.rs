//! Jobs that an operator cleans away, found by their keys.

use jobs::{Outcome, Status};
use table::{Condition, Key, Millis, TableError};

use crate::job::PortalJob;
use crate::jobs::PortalJobs;
use crate::keys::JOB;

impl PortalJobs {
    /// Deletes a job as [`Self::delete`] does; false if there is none.
    pub async fn remove(&self, key: &Key) -> Result<bool, TableError> {
        match self.at(key).await? {
            Some(job) => self.delete(&job.tenant, job.id).await,
            None => Ok(false),
        }
    }

    /// Deletes a job that failed up to a moment; false if there is none, or it is not so any more.
    pub async fn clean(&self, key: &Key, until: Millis) -> Result<bool, TableError> {
        let Some(job) = self.at(key).await? else { return Ok(false) };
        let failed = Condition::All(vec![
            Condition::equal("status", Status::Failed.as_str()),
            Condition::at_most("redeliver_at", until),
        ]);
        self.forget(&job.tenant, key, Outcome::Failed, &failed).await
    }

    /// The job at a key; none if that is something else's.
    async fn at(&self, key: &Key) -> Result<Option<PortalJob>, TableError> {
        if key.sk.starts_with(JOB) { self.jobs.table.get(key).await } else { Ok(None) }
    }
}
