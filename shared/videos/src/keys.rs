//! Where things lie in the table.

use table::Key;
use uuid::Uuid;

/// What the sort keys of jobs begin with.
pub(crate) const JOB: &str = "JOB#";
/// What the sort keys of schedules begin with.
pub(crate) const SCHEDULE: &str = "SCHEDULE#";

pub(crate) fn partition(tenant: &str) -> String {
    format!("TENANT#{tenant}")
}

/// The key of a tenant's account.
#[must_use]
pub fn account_key(tenant: &str) -> Key {
    Key::new(partition(tenant), "ACCOUNT")
}

/// The key of what is counted of a tenant.
#[must_use]
pub fn counts_key(tenant: &str) -> Key {
    Key::new(partition(tenant), "COUNTS")
}

/// The key of a tenant's job.
#[must_use]
pub fn job_key(tenant: &str, id: Uuid) -> Key {
    Key::new(partition(tenant), format!("{JOB}{id}"))
}

/// The key of a tenant's schedule.
#[must_use]
pub fn schedule_key(tenant: &str, id: Uuid) -> Key {
    Key::new(partition(tenant), format!("{SCHEDULE}{id}"))
}

/// The key of the record that a video is in a folder.
pub(crate) fn folder_key(tenant: &str, folder: &str, video: &str) -> Key {
    Key::new(format!("FOLDER#{tenant}#{folder}"), format!("VIDEO#{video}"))
}

/// The partition of the index `by_source`: by what is the same of a value however it is written.
pub(crate) fn source(tenant: &str, value: &str) -> String {
    format!("{tenant}#{}", value.to_lowercase())
}

/// The partition of the index `by_video`.
pub(crate) fn video_of(tenant: &str, video: &str) -> String {
    format!("{tenant}#{video}")
}

/// The place of a video in the indexes that list it: by its job's creation and, from the last to the first, as its job has found them.
pub(crate) fn listed_as(job: Uuid, number: usize) -> String {
    format!("{job}#{:06}", 999_999_usize.saturating_sub(number))
}
