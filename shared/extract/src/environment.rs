//! The extraction cloud's jobs, as a function's environment names their table, queue and logs.

use jobs::Jobs;
use table::aws::{SdkConfig, SettingError};

/// The `job_kind` of scraping tasks.
pub const QUEUE_KIND: &str = "extract";

/// The jobs that `EXTRACT_TABLE`, `EVENTS_TABLE`, `EXTRACT_QUEUE_URL` and `JOB_LEASE_SECONDS` name.
pub fn open(config: &SdkConfig) -> Result<Jobs, SettingError> {
    Jobs::from_environment(config, QUEUE_KIND, ("EXTRACT_TABLE", "EXTRACT_QUEUE_URL"))
}
