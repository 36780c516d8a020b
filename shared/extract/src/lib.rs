//! Knows the extraction cloud's records: tasks and the accounts they are charged to, what a valid task is, and how tasks are found.
//! Knows nothing of HTTP, nor of how pages are fetched.
//!
//! The table `extract`, keys and access patterns:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a task of a user | `pk = USER#user` and `sk = TASK#task` | – |
//! | a user's account | `pk = USER#user` and `sk = ACCOUNT` | – |
//! | a user's tasks by creation | `pk = USER#user` and `sk` between two `TASK#…` (task ids sort by time) | – |
//! | … by last change | `pk = USER#user`, ordered by `updated_at` | `by_updated` (local) |
//! | … by name, in lower case | `pk = USER#user`, ordered by `name_key` | `by_name` (local) |
//! | … by status | `pk = USER#user`, ordered by `status` | `by_status` (local) |
//! | tasks whose message is due | `job_kind = extract` and `redeliver_at <= now` | `due` (global, sparse) |
//!
//! A task lies in its owner's partition: another user's task is not found, rather than found and refused.

mod config;
mod environment;
mod input;
mod keys;
mod kind;
mod list;
mod store;
mod task;

pub use config::{
    AdvancedConfig, BulkConfig, Crontab, MonitoringConfig, OwnConfig, PageSource, PagesConfig, Schedule, ScheduleError,
    TaskConfig,
};
pub use environment::{QUEUE_KIND, open};
pub use input::{Fault, NewTask, TaskChange};
pub use keys::{account_key, task_key};
pub use kind::TaskType;
pub use list::{ListError, SortBy, TaskQuery};
pub use store::{Deleted, Tasks, UpdateError};
pub use task::Task;
