//! Video jobs as a function's environment names their table, queue and logs, and what the operator allows.

use std::time::Duration;

use jobs::{Jobs, Logs, Policy, Queue};
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Table};

use crate::store::VideoJobs;

/// The `job_kind` of video jobs, and of their videos.
pub const QUEUE_KIND: &str = "video";

/// The video jobs of [`open_jobs`], of which each tenant runs up to `VIDEO_JOBS_AT_ONCE`, and each works on up to `VIDEOS_AT_ONCE` of its videos, at
/// once.
pub fn open(config: &SdkConfig) -> Result<VideoJobs, SettingError> {
    Ok(VideoJobs::new(open_jobs(config)?, number("VIDEO_JOBS_AT_ONCE")?, number("VIDEOS_AT_ONCE")?))
}

/// The jobs that `VIDEO_TABLE`, `EVENTS_TABLE`, `VIDEO_QUEUE_URL` and `JOB_LEASE_SECONDS` name: all that redelivering and ending them takes.
pub fn open_jobs(config: &SdkConfig) -> Result<Jobs, SettingError> {
    let client = dynamodb(config);
    let lease = Duration::from_secs(number("JOB_LEASE_SECONDS")?);
    Ok(Jobs {
        kind: QUEUE_KIND,
        table: Table::new(client.clone(), &setting("VIDEO_TABLE")?),
        queue: Queue::new(config, setting("VIDEO_QUEUE_URL")?),
        logs: Logs::new(Table::new(client, &setting("EVENTS_TABLE")?)),
        clock: Clock::system(),
        policy: Policy::with_lease(lease),
    })
}

fn number<T: std::str::FromStr>(name: &'static str) -> Result<T, SettingError> {
    let value = setting(name)?;
    value.parse().map_err(|_| SettingError::Unusable(name, value))
}
