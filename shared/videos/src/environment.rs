//! Video jobs as a function's environment names their table, queue and logs, and what the operator allows.

use jobs::Jobs;
use table::aws::{SdkConfig, SettingError, setting_as};

use crate::store::VideoJobs;

/// The `job_kind` of video jobs, and of their videos.
pub const QUEUE_KIND: &str = "video";

/// The video jobs of [`open_jobs`], of which each tenant runs up to `VIDEO_JOBS_AT_ONCE`, and each works on up to `VIDEOS_AT_ONCE` of its videos, at
/// once.
pub fn open(config: &SdkConfig) -> Result<VideoJobs, SettingError> {
    Ok(VideoJobs::new(open_jobs(config)?, setting_as("VIDEO_JOBS_AT_ONCE")?, setting_as("VIDEOS_AT_ONCE")?))
}

/// The jobs that `VIDEO_TABLE`, `EVENTS_TABLE`, `VIDEO_QUEUE_URL` and `JOB_LEASE_SECONDS` name: all that redelivering and ending them takes.
pub fn open_jobs(config: &SdkConfig) -> Result<Jobs, SettingError> {
    Jobs::from_environment(config, QUEUE_KIND, ("VIDEO_TABLE", "VIDEO_QUEUE_URL"))
}
