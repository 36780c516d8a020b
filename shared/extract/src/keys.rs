//! The keys of the table `extract`, and of the files of tasks.

use table::Key;
use uuid::Uuid;

/// What the sort keys of tasks begin with.
pub const TASK_PREFIX: &str = "TASK#";

/// The key of a user's task.
#[must_use]
pub fn task_key(user: &str, task: Uuid) -> Key {
    Key::new(partition(user), format!("{TASK_PREFIX}{task}"))
}

/// The key of a user's account.
#[must_use]
pub fn account_key(user: &str) -> Key {
    Key::new(partition(user), "ACCOUNT")
}

pub(crate) fn partition(user: &str) -> String {
    format!("USER#{user}")
}

/// What the keys of all files of a task begin with.
pub(crate) fn results_prefix(user: &str, task: Uuid) -> String {
    format!("results/{user}/{task}/")
}
