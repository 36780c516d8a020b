//! Jobs and videos as callers see them.

use input::schema::{moment, one_of, whole};
use jobs::Status;
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;
use videos::{Mode, Overview, Shown, Video, VideoStatus};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoJob, example = json!({
    "id": "550e8400-e29b-41d4-a716-446655440000", "mode": "profile", "value": "khaby.lame", "limit": 50, "no_watermark": true,
    "since": null, "until": null, "drive_folder_id": null, "scheduled_job_id": null, "status": "completed", "progress": 100,
    "total_videos": 50, "successful_downloads": 48, "failed_downloads": 2, "error_message": null,
    "created_at": "2025-01-15T10:30:00Z", "started_at": "2025-01-15T10:30:01Z", "completed_at": "2025-01-15T11:15:00Z",
}))]
pub(crate) struct JobView {
    id: Uuid,
    mode: Mode,
    /// The user name without `@`, or the hashtag without `#`.
    value: String,
    limit: u32,
    no_watermark: bool,
    since: Option<String>,
    until: Option<String>,
    drive_folder_id: Option<String>,
    /// The schedule that it is a run of.
    scheduled_job_id: Option<Uuid>,
    status: Status,
    /// How many of its videos have ended, in percent.
    #[schema(schema_with = whole::<0, 100>)]
    progress: u8,
    total_videos: u64,
    successful_downloads: u64,
    failed_downloads: u64,
    error_message: Option<String>,
    #[schema(schema_with = moment)]
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
}

/// A job with its videos.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoJobDetails)]
pub(crate) struct JobDetails {
    job: JobView,
    videos: Vec<VideoView>,
    drive_links: Vec<DriveLink>,
}

/// Where a video is in Google Drive.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "video_id": "7123456789012345678", "video_link": "https://drive.google.com/file/d/1abc/view",
    "metadata_link": "https://drive.google.com/file/d/1def/view", "folder_path": "TikTok/profile/khaby.lame/2025/01",
}))]
struct DriveLink {
    video_id: String,
    video_link: String,
    metadata_link: Option<String>,
    folder_path: String,
}

/// A video.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Video, example = json!({
    "id": "7123456789012345678", "job_id": "550e8400-e29b-41d4-a716-446655440000",
    "url": "https://www.tiktok.com/@khaby.lame/video/7123456789012345678", "desc": "Video description",
    "author_username": "khaby.lame", "author_nickname": "Khabane Lame", "views": 1_000_000, "likes": 50_000, "comments": 1_000,
    "shares": 5_000, "created_at_tiktok": "2025-01-10T15:30:00Z", "hashtags": ["funny", "comedy"], "music_title": "Original Sound",
    "has_watermark": false, "file_size": 5_242_880, "duration": 15.5, "drive_file_id": "1abc",
    "drive_folder_path": "TikTok/profile/khaby.lame/2025/01", "status": "uploaded", "error_message": null,
}))]
pub(crate) struct VideoView {
    id: String,
    job_id: Uuid,
    url: String,
    desc: Option<String>,
    author_username: Option<String>,
    author_nickname: Option<String>,
    views: Option<u64>,
    likes: Option<u64>,
    comments: Option<u64>,
    shares: Option<u64>,
    created_at_tiktok: Option<String>,
    hashtags: Vec<String>,
    music_title: Option<String>,
    has_watermark: Option<bool>,
    file_size: Option<u64>,
    /// In seconds.
    duration: Option<f64>,
    drive_file_id: Option<String>,
    drive_folder_path: Option<String>,
    status: VideoStatus,
    error_message: Option<String>,
}

/// A page of videos.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoPage)]
pub(crate) struct VideoPageView {
    pub total: u64,
    pub videos: Vec<VideoView>,
}

/// What is counted of a tenant.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = VideoStatistics, example = json!({
    "total_jobs": 150, "pending_jobs": 5, "running_jobs": 2, "completed_jobs": 140, "failed_jobs": 3, "cancelled_jobs": 0,
    "total_videos": 7_500, "downloaded_videos": 7_200, "uploaded_videos": 7_000, "failed_videos": 200,
    "total_storage_bytes": 52_428_800_000_u64, "scheduled_jobs_count": 10, "active_scheduled_jobs": 8,
}))]
pub(crate) struct StatsView {
    total_jobs: i64,
    pending_jobs: i64,
    running_jobs: i64,
    completed_jobs: i64,
    failed_jobs: i64,
    cancelled_jobs: i64,
    total_videos: i64,
    downloaded_videos: i64,
    uploaded_videos: i64,
    failed_videos: i64,
    total_storage_bytes: i64,
    scheduled_jobs_count: i64,
    active_scheduled_jobs: i64,
}

/// Whether what the video jobs need is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoHealth, example = json!({
    "status": "healthy", "version": "1.0.0", "timestamp": "2025-01-15T10:30:00Z", "database": true, "google_drive": true,
    "scheduler": true,
}))]
pub(crate) struct HealthView {
    #[schema(schema_with = health_statuses)]
    pub status: &'static str,
    pub version: &'static str,
    #[schema(schema_with = moment)]
    pub timestamp: String,
    /// Whether its table answers.
    pub database: bool,
    /// Whether files go to Google Drive; else they go to the object store.
    pub google_drive: bool,
    /// Whether schedules have been looked through in the last three minutes.
    pub scheduler: bool,
}

/// Of health: what it is if all is there, and if not.
pub(crate) const HEALTHY: &str = "healthy";
pub(crate) const DEGRADED: &str = "degraded";

fn health_statuses() -> Object {
    one_of([HEALTHY, DEGRADED])
}

impl JobView {
    pub(crate) fn of(shown: &Shown) -> Self {
        let (job, order) = (&shown.job.job, &shown.job.order);
        Self {
            id: shown.job.id,
            mode: order.mode,
            value: order.value.clone(),
            limit: order.limit,
            no_watermark: order.no_watermark,
            since: told(order.since),
            until: told(order.until),
            drive_folder_id: order.drive_folder_id.clone(),
            scheduled_job_id: shown.job.schedule_id,
            status: job.status,
            progress: shown.progress(),
            total_videos: shown.total(),
            successful_downloads: shown.successful(),
            failed_downloads: shown.failed(),
            // That of an attempt that is not the last is no failure of the job's.
            error_message: job.error_message.clone().filter(|_| job.status.is_final()),
            created_at: job.created_at.to_string(),
            started_at: told(job.started_at),
            completed_at: told(job.completed_at),
        }
    }
}

impl JobDetails {
    pub(crate) fn of(job: &Shown, videos: &[Video]) -> Self {
        Self {
            job: JobView::of(job),
            videos: videos.iter().map(VideoView::of).collect(),
            drive_links: videos.iter().filter_map(DriveLink::of).collect(),
        }
    }
}

impl DriveLink {
    fn of(video: &Video) -> Option<Self> {
        let stored = video.stored.as_ref().filter(|_| video.status() == VideoStatus::Uploaded)?;
        Some(Self {
            video_id: video.video_id.clone(),
            video_link: stored.video_link.clone()?,
            metadata_link: stored.metadata_link.clone(),
            folder_path: stored.folder_path.clone(),
        })
    }
}

impl VideoView {
    pub(crate) fn of(video: &Video) -> Self {
        let metadata = video.metadata.clone();
        let stored = video.stored.as_ref();
        #[expect(clippy::cast_precision_loss, reason = "a video is shorter than 2^53 milliseconds")]
        let duration = metadata.duration_ms.map(|millis| millis as f64 / 1_000.0);
        Self {
            id: video.video_id.clone(),
            job_id: video.job_id,
            url: metadata.url,
            desc: metadata.desc,
            author_username: metadata.author_username,
            author_nickname: metadata.author_nickname,
            views: metadata.views,
            likes: metadata.likes,
            comments: metadata.comments,
            shares: metadata.shares,
            created_at_tiktok: told(metadata.created_at_tiktok),
            hashtags: metadata.hashtags,
            music_title: metadata.music_title,
            has_watermark: metadata.has_watermark,
            file_size: metadata.file_size,
            duration,
            drive_file_id: stored.and_then(|stored| stored.drive_file_id.clone()),
            drive_folder_path: stored.map(|stored| stored.folder_path.clone()),
            status: video.status(),
            error_message: video.job.error_message.clone(),
        }
    }
}

impl StatsView {
    pub(crate) fn of(overview: &Overview) -> Self {
        let (account, counts) = (&overview.account, &overview.counts);
        let running_jobs = account.slots.taken().min(account.jobs_open);
        Self {
            total_jobs: account.jobs_open + account.jobs_completed + account.jobs_failed + account.jobs_cancelled,
            pending_jobs: account.jobs_open - running_jobs,
            running_jobs,
            completed_jobs: account.jobs_completed,
            failed_jobs: account.jobs_failed,
            cancelled_jobs: account.jobs_cancelled,
            total_videos: counts.videos,
            downloaded_videos: counts.videos_uploaded + counts.videos_not_stored,
            uploaded_videos: counts.videos_uploaded,
            failed_videos: counts.videos_failed,
            total_storage_bytes: counts.bytes_stored,
            scheduled_jobs_count: counts.schedules,
            active_scheduled_jobs: counts.schedules_enabled,
        }
    }
}

fn told(moment: Option<Millis>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use jobs::{Account, Slots};
    use videos::Counts;

    use super::*;

    #[test]
    fn what_runs_holds_a_slot_and_the_rest_that_is_open_waits() {
        let account = Account {
            jobs_open: 7,
            jobs_completed: 140,
            jobs_failed: 3,
            jobs_cancelled: 1,
            slots: Slots { slots: 5, slots_free: 3, slot_moves: 9 },
            ..Account::default()
        };
        let counts =
            Counts { videos: 9, videos_uploaded: 5, videos_failed: 2, videos_not_stored: 1, ..Counts::default() };
        let stats = StatsView::of(&Overview { account, counts });
        assert_eq!((stats.total_jobs, stats.pending_jobs, stats.running_jobs), (151, 5, 2));
        assert_eq!((stats.downloaded_videos, stats.uploaded_videos, stats.failed_videos), (6, 5, 2));
    }
}
