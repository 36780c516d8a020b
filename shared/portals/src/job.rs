//! A job: one account at one portal, read to its end.

use jobs::{Job, Status};
use serde::{Deserialize, Serialize};
use table::Key;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::keys::files_prefix;
use crate::portal::Portal;

/// Where a job stands, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PortalJobStatus)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits for a worker, for the first time or again.
    Queued,
    /// A worker is at it.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly, or was cancelled.
    Failed,
}

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortalJob {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What makes it a job.
    #[serde(flatten)]
    pub job: Job,
    /// The item whose slots it takes.
    pub account: Key,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: String,
    /// Where it logs in.
    pub portal: Portal,
    /// The account that it logs in with, as that was registered.
    pub email: String,
    /// Its place in the index `by_portal`.
    pub portal_job: String,
    /// Whom the account is of, as the portal says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_name: Option<String>,
    /// The worker that is at it, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// What the worker says of how far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its result, in each form that it has; none until it has ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<JobFile>,
}

/// A file of a job's result: all records that the portal has, in one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// What it is called when it is saved, as `pwmr-procurement.csv`: its form is its extension.
    pub name: String,
    /// Its key in the object store.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl JobFile {
    /// Its form, as `csv`.
    #[must_use]
    pub fn form(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

impl PortalJob {
    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> JobStatus {
        match self.job.status {
            Status::Pending => JobStatus::Queued,
            Status::Running => JobStatus::Running,
            Status::Completed => JobStatus::Completed,
            Status::Failed | Status::Cancelled => JobStatus::Failed,
        }
    }

    /// What is to be said of it: of one that has failed, why.
    #[must_use]
    pub fn told(&self) -> &str {
        let usual = match self.job.status {
            Status::Pending => "Job successfully queued",
            Status::Running => "Scrape is running",
            Status::Completed => "Scrape completed successfully",
            Status::Failed => return self.job.error_message.as_deref().unwrap_or("Scrape failed"),
            Status::Cancelled => return "Job was cancelled",
        };
        self.message.as_deref().unwrap_or(usual)
    }

    /// What the keys of its files begin with.
    #[must_use]
    pub fn files_prefix(&self) -> String {
        files_prefix(&self.tenant, self.id)
    }

    /// The worker that is at it, or was last.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        self.worker.as_deref().or(self.job.lease.lease_owner.as_deref())
    }
}
