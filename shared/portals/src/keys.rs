//! Where things lie in the table.

use table::Key;
use uuid::Uuid;

use crate::portal::Portal;

/// What the sort keys of jobs begin with, before their ids.
pub const JOB: &str = "JOB#";

/// The partition that everything of a tenant lies in but its users: the group of its jobs.
#[must_use]
pub fn partition(tenant: &str) -> String {
    format!("TENANT#{tenant}")
}

/// The key of the user who logs in with this name.
pub(crate) fn user_key(name: &str) -> Key {
    Key::new(format!("USER#{}", name.to_lowercase()), "USER")
}

/// The key of a tenant's account at a portal: its credentials are sealed for it.
#[must_use]
pub fn portal_account_key(tenant: &str, portal: Portal, email: &str) -> Key {
    Key::new(partition(tenant), format!("LOGIN#{}#{}", portal.as_str(), email.to_lowercase()))
}

/// The key of a tenant's slots and counts.
pub(crate) fn account_key(tenant: &str) -> Key {
    Key::new(partition(tenant), "ACCOUNT")
}

/// The key of a tenant's job.
#[must_use]
pub fn job_key(tenant: &str, id: Uuid) -> Key {
    Key::new(partition(tenant), format!("{JOB}{id}"))
}

/// The place of a job in the index `by_portal`.
pub(crate) fn portal_job(portal: Portal, id: Uuid) -> String {
    format!("{}#{id}", portal.as_str())
}

/// What the keys of all files of a job begin with, in the object store.
pub(crate) fn files_prefix(tenant: &str, id: Uuid) -> String {
    format!("portals/{tenant}/{id}/")
}
