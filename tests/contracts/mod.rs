//! The contracts, over HTTP; the files mirror the URLs, and what holds for all of them.

mod answers;
mod health;
mod paths;
mod permissions;
mod plans;
mod rate_limits;
mod tasks;
mod webhooks;
