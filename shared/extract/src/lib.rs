//! Knows the extraction cloud's records: tasks, the accounts they are charged to and the plans of those, what a valid task is, and how tasks are found.
//! Knows nothing of HTTP, nor of how pages are fetched.
//!
//! The table `extract`, keys and access patterns:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a task of a user | `pk = USER#user` and `sk = TASK#task` | – |
//! | a user's account | `pk = USER#user` and `sk = ACCOUNT` | – |
//! | a user's ledger | `pk = USER#user` and `sk` begins with `LEDGER#` | – |
//! | a user's tasks by creation | `pk = USER#user` and `sk` between two `TASK#…` (task ids sort by time) | – |
//! | … by last change | `pk = USER#user`, ordered by `updated_at` | `by_updated` (local) |
//! | … by name, in lower case | `pk = USER#user`, ordered by `name_key` | `by_name` (local) |
//! | … by status | `pk = USER#user`, ordered by `status` | `by_status` (local) |
//! | a user's tasks that wait, the best first | `pk = USER#user`, ordered by `turn` | `by_turn` (local, sparse) |
//! | what a user did on each day | `pk = USER#user` and `sk` between two `USAGE#day` | – |
//! | what all users did | `pk = TOTALS#part` and `sk = TOTALS` | – |
//! | the batches of a task, and what they have in common | `pk = JOIN#…` (see `jobs::Join`) | `by_turn`, `by_status` |
//! | tasks whose message is due | `job_kind = extract` and `redeliver_at <= now` | `due` (global, sparse) |
//! | the task of an id, whosever | `id` | `ids` (global, sparse) |
//! | monitors whose next check is due | `job_kind = extract-resting` and `redeliver_at <= now` | `due` |
//!
//! Whatever else lies in a user's partition has no attribute `updated_at`, `name_key`, `status` or `turn`, so that those indexes hold tasks alone.
//!
//! A task lies in its owner's partition: another user's task is not found, rather than found and refused.

mod account;
mod accounts;
mod batch;
mod config;
mod document;
mod environment;
mod input;
mod keys;
mod kind;
mod list;
mod plan;
mod store;
mod task;
mod usage;

pub use account::{Change, CloudAccount, Period};
pub use accounts::Accounts;
pub use batch::Batch;
pub use config::{
    AdvancedConfig, BulkConfig, Crontab, MonitoringConfig, OwnConfig, PageSource, PagesConfig, ResultForm, Schedule,
    ScheduleError, Sharing, TaskConfig,
};
pub use document::NewTaskBody;
pub use environment::{QUEUE_KIND, open};
pub use input::{Fault, HIGHEST_PRIORITY, NewTask, TaskChange};
pub use keys::{account_key, task_key};
pub use kind::TaskType;
pub use list::{ListError, SortBy, TaskQuery};
pub use plan::Plan;
pub use store::{CreateError, Deleted, Tasks, UpdateError};
pub use task::Task;
pub use usage::DayUsage;
