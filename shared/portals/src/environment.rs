//! Portal jobs as a function's environment names their table, queue and logs, and what the operator allows.

use jobs::{Feeds, Jobs};
use table::aws::{SdkConfig, SettingError, dynamodb, setting, setting_as};
use table::{Clock, Table};

use crate::jobs::PortalJobs;

/// The `job_kind` of portal jobs.
pub const QUEUE_KIND: &str = "portal";

/// The portal jobs of [`open_jobs`], of which each tenant runs up to `PORTAL_JOBS_AT_ONCE` at once.
pub fn open(config: &SdkConfig) -> Result<PortalJobs, SettingError> {
    Ok(PortalJobs::new(open_jobs(config)?, setting_as("PORTAL_JOBS_AT_ONCE")?))
}

/// The jobs that `PORTAL_TABLE`, `EVENTS_TABLE`, `PORTAL_QUEUE_URL` and `JOB_LEASE_SECONDS` name: all that redelivering and ending them takes. What a
/// worker says of one is in the feed of its tenant too: for that it needs `BatchWriteItem`, `Query` and `UpdateItem` on the table of events.
pub fn open_jobs(config: &SdkConfig) -> Result<Jobs, SettingError> {
    let mut jobs = Jobs::from_environment(config, QUEUE_KIND, ("PORTAL_TABLE", "PORTAL_QUEUE_URL"))?;
    jobs.logs = jobs.logs.with_feeds(open_feeds(config, &jobs.clock)?);
    Ok(jobs)
}

/// The feeds of all tenants' jobs, in the table that `EVENTS_TABLE` names: each of its tenant's [`crate::partition`].
pub fn open_feeds(config: &SdkConfig, clock: &Clock) -> Result<Feeds, SettingError> {
    Ok(feeds(Table::new(dynamodb(config), &setting("EVENTS_TABLE")?), clock.clone()))
}

/// The feeds of all tenants' jobs, in this table.
#[must_use]
pub fn feeds(events: Table, clock: Clock) -> Feeds {
    Feeds::new(QUEUE_KIND, events, clock)
}
