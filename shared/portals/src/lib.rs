//! Knows portal jobs: the users who log in and ask for them, the accounts at the portals that they are done with, and the jobs. Knows nothing of
//! HTTP, nor of how a portal is read. A tenant is a name that users, accounts and jobs have in common. Table `portal`:
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | a user, by the name they log in with | `pk = USER#name`, `sk = USER` | – |
//! | all users, by name | `listed_by = USERS`, ordered by `listed_as` | `listed` |
//! | a tenant's account at a portal | `pk = TENANT#tenant`, `sk = LOGIN#portal#email` | – |
//! | all accounts, by tenant, portal and address | `listed_by = LOGINS`, ordered by `listed_as` | `listed` |
//! | a tenant's slots, and how many jobs there are | `pk = TENANT#tenant`, `sk = ACCOUNT` | – |
//! | a tenant's jobs, by creation | the same `pk`, `sk` begins with `JOB#`, ends with the job's id | – |
//! | those of one portal | the same `pk`, `portal_job` begins with the portal, ends with the job's id | `by_portal` (local) |
//! | those of a status | the same `pk`, `status = running` | `by_status` (local) |
//! | those that wait, in their order | the same `pk`, ordered by `turn` | `by_turn` (local) |
//! | jobs whose message was lost | `job_kind = portal`, `redeliver_at <= now` | `due` |
//! | the job of an id, whosever | `id` | `ids` |
//! | jobs that failed before a moment | `job_kind = portal-failed`, `redeliver_at` up to the moment | `due` |
//!
//! Names of users and addresses are told apart in lower case.

mod account;
mod accounts;
mod cleaning;
mod environment;
mod hold;
mod input;
mod job;
mod jobs;
mod keys;
mod listing;
mod login;
mod portal;
mod token;
mod user;
mod users;
mod work;

pub use self::account::{AccountFields, CredentialFields, PortalAccount, PortalCredentials};
pub use self::accounts::{AccountError, Accounts};
pub use self::environment::{QUEUE_KIND, feeds, open, open_feeds, open_jobs};
pub use self::hold::{Held, Holder};
pub use self::input::{LONGEST_EMAIL, LONGEST_NAME, LONGEST_PASSWORD, SHORTEST_PASSWORD};
pub use self::job::{JobFile, JobStatus, PortalJob};
pub use self::jobs::{DeleteError, PortalJobs};
pub use self::keys::{JOB, job_key, partition, portal_account_key};
pub use self::listing::Listing;
pub use self::login::{LogInError, Logins};
pub use self::portal::Portal;
pub use self::token::{AUDIENCE, Caller};
pub use self::user::{User, UserChange, UserFields};
pub use self::users::{UserError, Users};
pub use self::work::Report;
