//! Parameters and bodies as the document tells them.

use extract::{SortBy, TaskType};
use input::schema::{any_of, moment, one_of, text, uuid, whole};
use jobs::Status;

use crate::query::{LARGEST_LOG_PAGE, LARGEST_TASK_PAGE, LAST_PAGE, LONGEST_SEARCH};

input::parameters! {
    /// The task of a path.
    pub(crate) TaskPath {
        path "task_id" "The task's id." => uuid(),
    }
}

input::parameters! {
    /// Which tasks.
    pub(crate) TaskQueryParameters {
        query "page" "Which page; the first unless given." => whole::<1, { LAST_PAGE as u64 }>(),
        query "page_size" "How many a page; 20 unless given." => whole::<1, { LARGEST_TASK_PAGE as u64 }>(),
        query "sort_by" "What they are sorted by; `created_at` unless given." => one_of(SortBy::ALL.map(|(name, _)| name)),
        query "sort_order" "`desc` unless given." => one_of(["asc", "desc"]),
        query "status" "Those that stand so only: several times, or with commas." => any_of(Status::ALL.map(Status::as_str)),
        query "task_type" "Those of these types only: several times, or with commas." =>
            any_of(TaskType::ALL.map(TaskType::as_str)),
        query "created_after" "Those made after this only." => moment(),
        query "created_before" "Those made before this only." => moment(),
        query "name_contains" "Those with this in their name only, whatever its case." => text::<0, LONGEST_SEARCH>(),
    }
}

input::parameters! {
    /// Which part of a log.
    pub(crate) LogQueryParameters {
        query "page" "Which page; the first unless given." => whole::<1, { LAST_PAGE as u64 }>(),
        query "page_size" "How many lines a page; 50 unless given." => whole::<1, { LARGEST_LOG_PAGE as u64 }>(),
    }
}
