//! What is told of a job.

use input::schema::whole;
use jobs::Status;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use videos::Shown;

/// How far a job is.
#[derive(Serialize, ToSchema)]
#[schema(as = VideoJobProgress, example = json!({
    "progress": 45, "status": "running", "total_videos": 50, "successful_downloads": 22, "failed_downloads": 1,
}))]
pub(crate) struct Standing {
    /// How many of its videos have ended, in percent.
    #[schema(schema_with = whole::<0, 100>)]
    progress: u8,
    status: Status,
    total_videos: u64,
    successful_downloads: u64,
    failed_downloads: u64,
}

/// What is told at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// How far the job has come: grows with all that is told of it.
    pub(crate) so_far: i64,
    /// The message.
    pub(crate) message: String,
    /// Whether nothing is told after it.
    pub(crate) is_last: bool,
}

impl News {
    /// What there is to tell of a job as it is; none: it is gone.
    pub(crate) fn of(job: Option<&Shown>) -> Self {
        let Some(shown) = job else {
            return Self {
                so_far: i64::MAX,
                message: json!({"progress": null, "status": "deleted"}).to_string(),
                is_last: true,
            };
        };
        let (status, progress) = (shown.job.job.status, shown.progress());
        let message = json!(Standing {
            progress,
            status,
            total_videos: shown.total(),
            successful_downloads: shown.successful(),
            failed_downloads: shown.failed(),
        });
        Self { so_far: progress.into(), message: message.to_string(), is_last: status.is_final() }
    }
}
