//! Knows the worker API's records: campaigns and their tasks, the sites whose captchas may be solved, and how each may change. Knows nothing of HTTP. They are in the table
//! `worker`:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a record | `pk = TASK#id` (or `CAMPAIGN#id`), `sk = RECORD` | |
//! | all records of a kind, by number | `kind = task` | `listed` |
//! | the tasks that may be claimed, the one that is due longest first | `kind = task`, `claimable_at <= now` | `claimable` |
//! | those of a campaign | `campaign_id = id`, `claimable_at <= now` | `claimable_of_campaign` |
//! | those of a type | `type = type`, `claimable_at <= now` | `claimable_of_type` |
//! | the last number of a kind | `pk = NUMBERS`, `sk = kind` | |
//! | what an idempotency key has made, or what was answered to it | `pk = IDEMPOTENCY#hash`, `sk = RECORD` | |
//! | the sites whose captchas may be solved, by name | `pk = CAPTCHA_DOMAINS` (and `sk = domain`) | |

mod campaign;
mod captcha_domain;
mod idempotency;
mod json_text;
mod once;
mod records;
mod reports;
mod task;
mod tasks;

pub use campaign::{Campaign, NewCampaign};
pub use captcha_domain::{CaptchaDomain, DomainName, NoDomainName};
pub use idempotency::{IdempotencyError, IdempotencyKey, Numbering};
pub use json_text::JsonText;
pub use once::{Hold, Turn};
pub use records::{Kind, Listing, Records};
pub use reports::{Outcome, Refusal, Report};
pub use task::{NewTask, Task, TaskStatus};
pub use tasks::{Filter, Holding, TaskError, Tasks, USUAL_LOCK};
