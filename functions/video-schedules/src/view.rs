//! Schedules as callers see them.

use serde::Serialize;
use table::Millis;
use uuid::Uuid;
use videos::{Mode, Schedule};

/// A schedule.
#[derive(Debug, Serialize)]
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
    next_run_at: Option<String>,
    /// The job that is its run, while that has not ended.
    active_job_id: Option<String>,
    total_runs: u64,
    successful_runs: u64,
    failed_runs: u64,
    cancelled_runs: u64,
    skipped_runs: u64,
    created_at: String,
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
