//! The contracts, over HTTP; the files mirror the URLs, and what holds for all of them.

mod answers;
pub(crate) mod billing;
mod health;
mod paths;
mod permissions;
mod plans;
mod rate_limits;
mod tasks;
