//! Schedules as callers see them.

use input::schema::moment;
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;
use uuid::Uuid;
use videos::{Mode, Schedule};

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoSchedule, example = json!({
    "id": "660e8400-e29b-41d4-a716-446655440000", "name": "Daily Scrape - @khaby.lame", "mode": "profile", "value": "khaby.lame",
    "limit": 50, "no_watermark": true, "drive_folder_id": null, "interval_minutes": 1440, "enabled": true,
    "last_run_at": "2025-01-15T10:00:00Z", "next_run_at": "2025-01-16T10:00:00Z", "active_job_id": null, "total_runs": 30,
    "successful_runs": 28, "failed_runs": 2, "cancelled_runs": 0, "skipped_runs": 0, "created_at": "2024-12-16T10:00:00Z",
    "updated_at": "2025-01-15T10:00:00Z",
}))]
pub(crate) struct ScheduleView {
    id: Uuid,
    name: String,
    mode: Mode,
    value: String,
    limit: u32,
    no_watermark: bool,
    drive_folder_id: Option<String>,
    interval_minutes: u32,
    enabled: bool,
    last_run_at: Option<String>,
    /// Null while it is disabled.
    next_run_at: Option<String>,
    /// The job that is its run, while that has not ended.
    active_job_id: Option<String>,
    total_runs: u64,
    successful_runs: u64,
    failed_runs: u64,
    cancelled_runs: u64,
    /// How many were due while the one before had not ended.
    skipped_runs: u64,
    #[schema(schema_with = moment)]
    created_at: String,
    #[schema(schema_with = moment)]
    updated_at: String,
}

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        let told = |moment: Option<Millis>| moment.map(|moment| moment.to_string());
        Self {
            id: schedule.id,
            name: schedule.name,
            mode: schedule.order.mode,
            value: schedule.order.value,
            limit: schedule.order.limit,
            no_watermark: schedule.order.no_watermark,
            drive_folder_id: schedule.order.drive_folder_id,
            interval_minutes: schedule.interval_minutes,
            enabled: schedule.enabled,
            last_run_at: told(schedule.last_run_at),
            next_run_at: told(schedule.next_run_at),
            active_job_id: schedule.active_run,
            total_runs: schedule.total_runs,
            successful_runs: schedule.ended_completed,
            failed_runs: schedule.ended_failed,
            cancelled_runs: schedule.ended_cancelled,
            skipped_runs: schedule.skipped_runs,
            created_at: schedule.created_at.to_string(),
            updated_at: schedule.updated_at.to_string(),
        }
    }
}
