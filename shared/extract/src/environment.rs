//! The extraction cloud's jobs, as a function's environment names their table, queue and logs.

use std::time::Duration;

use jobs::{Jobs, Logs, Policy, Queue};
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};

/// The `job_kind` of scraping tasks.
pub const QUEUE_KIND: &str = "extract";

/// The jobs that `EXTRACT_TABLE`, `EVENTS_TABLE`, `EXTRACT_QUEUE_URL` and `JOB_LEASE_SECONDS` name.
pub fn open(config: &SdkConfig) -> Result<Jobs, SettingError> {
    let client = dynamodb(config);
    Ok(Jobs {
        kind: QUEUE_KIND,
        table: Table::new(client.clone(), &setting("EXTRACT_TABLE")?),
        queue: Queue::new(config, setting("EXTRACT_QUEUE_URL")?),
        logs: Logs::new(Table::new(client, &setting("EVENTS_TABLE")?)),
        clock: Clock::system(),
        policy: policy_from_environment()?,
    })
}

/// The policy whose lease is `JOB_LEASE_SECONDS` long.
fn policy_from_environment() -> Result<Policy, SettingError> {
    let seconds = setting("JOB_LEASE_SECONDS")?;
    let seconds = seconds.parse().map_err(|_| SettingError::Unusable("JOB_LEASE_SECONDS", seconds))?;
    Ok(Policy::with_lease(Duration::from_secs(seconds)))
}
