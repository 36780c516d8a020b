//! Knows the worker API's records: campaigns and their tasks, backlinks, site accounts and proxies, the sites whose captchas may be solved, and
//! how each may change. Knows nothing of HTTP. They are in the table `worker`:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a record | `pk = TASK#id` (`CAMPAIGN#`, `BACKLINK#`, `SITE_ACCOUNT#`, `PROXY#`), `sk = RECORD` | |
//! | all records of a kind, by number | `kind = task` | `listed` |
//! | the tasks that may be claimed, the one that is due longest first | `kind = task`, `claimable_at <= now` | `claimable` |
//! | those of a campaign | `campaign_id = id`, `claimable_at <= now` | `claimable_of_campaign` |
//! | those of a type | `type = type`, `claimable_at <= now` | `claimable_of_type` |
//! | those of these three that have not ended, the one that may be claimed soonest first | the same, with no bound to `claimable_at` | the same |
//! | those that ended badly, the last first | `kind = task` (by `failed_at`) | `failed` (sparse) |
//! | the proxies that may be used, the one that has been longest without a rest first | `kind = proxy`, `claimable_at <= now` | `claimable` |
//! | those of a country | `country = US`, `claimable_at <= now` | `claimable_of_country` |
//! | all proxies of a country, by number | `country = US` | `listed_of_country` |
//! | the proxies whose rest is over, but not yet written down so | `resting = proxy`, `claimable_at <= now` | `resting` (sparse) |
//! | the last number of a kind | `pk = NUMBERS`, `sk = kind` | |
//! | what an idempotency key has made, or what was answered to it | `pk = IDEMPOTENCY#hash`, `sk = RECORD` | |
//! | the sites whose captchas may be solved, by name | `pk = CAPTCHA_DOMAINS` (and `sk = domain`) | |

mod backlink;
mod campaign;
mod captcha_domain;
mod health;
mod idempotency;
mod json_text;
mod once;
mod proxies;
mod proxy;
mod records;
mod reports;
mod site_account;
mod task;
mod tasks;
mod timestamp;
mod tracked;

pub use backlink::{Backlink, BacklinkFields, BacklinkStatus, BacklinkType};
pub use campaign::{Campaign, NewCampaign};
pub use captcha_domain::{CaptchaDomain, DomainName, NoDomainName};
pub use health::{HealthPolicy, HealthReport};
pub use idempotency::{IdempotencyError, IdempotencyKey, Numbering};
pub use json_text::JsonText;
pub use once::{Hold, Turn};
pub use proxies::{Proxies, ProxyError, ProxyFilter};
pub use proxy::{Proxy, ProxyFields, ProxyType, Standing};
pub use records::{Kind, Listing, Records};
pub use reports::{Outcome, Refusal, Report};
pub use site_account::{SiteAccount, SiteAccountFields, SiteAccountStatus};
pub use task::{LONGEST_TYPE, NO_TYPE, NewTask, Task, TaskStatus, is_type, type_schema};
pub use tasks::{Filter, Holding, Listed, TaskError, Tasks, USUAL_LOCK};
pub use tracked::{Fields, Tracked};
