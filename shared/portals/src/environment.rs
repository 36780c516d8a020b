//! Portal jobs as a function's environment names their table, queue and logs, and what the operator allows.

use jobs::Jobs;
use table::aws::{SdkConfig, SettingError, setting_as};

use crate::jobs::PortalJobs;

/// The `job_kind` of portal jobs.
pub const QUEUE_KIND: &str = "portal";

/// The portal jobs of [`open_jobs`], of which each tenant runs up to `PORTAL_JOBS_AT_ONCE` at once.
pub fn open(config: &SdkConfig) -> Result<PortalJobs, SettingError> {
    Ok(PortalJobs::new(open_jobs(config)?, setting_as("PORTAL_JOBS_AT_ONCE")?))
}

/// The jobs that `PORTAL_TABLE`, `EVENTS_TABLE`, `PORTAL_QUEUE_URL` and `JOB_LEASE_SECONDS` name: all that redelivering and ending them takes.
pub fn open_jobs(config: &SdkConfig) -> Result<Jobs, SettingError> {
    Jobs::from_environment(config, QUEUE_KIND, ("PORTAL_TABLE", "PORTAL_QUEUE_URL"))
}
