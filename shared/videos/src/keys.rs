//! Where things lie in the table.

use serde::Deserialize;
use table::{Item, Key};
use uuid::Uuid;

/// What the partitions of tenants begin with.
const TENANT: &str = "TENANT#";
/// What the sort keys of jobs begin with.
pub const JOB: &str = "JOB#";
/// What the sort keys of schedules begin with.
pub(crate) const SCHEDULE: &str = "SCHEDULE#";

/// Where an item is that an index has found.
#[derive(Deserialize)]
pub(crate) struct Keyed {
    #[serde(flatten)]
    pub(crate) key: Key,
}

pub(crate) fn partition(tenant: &str) -> String {
    format!("{TENANT}{tenant}")
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

/// The job that an item of the table tells of, itself or as what its videos have in common; none if it is something else.
#[must_use]
pub fn job_of_change(item: &Item) -> Option<Key> {
    let text = |item: &Item, name: &str| Some(item.get(name)?.as_s().ok()?.clone());
    let key = |item: &Item| Some(Key::new(text(item, "pk")?, text(item, "sk")?));
    let of_job = |key: &Key| key.pk.starts_with(TENANT) && key.sk.starts_with(JOB);
    let parent = item.get("parent").and_then(|parent| key(parent.as_m().ok()?));
    key(item).filter(of_job).or_else(|| parent.filter(of_job))
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
