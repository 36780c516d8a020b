//! The contracts, over HTTP; the files mirror the URLs, and what holds for all of them.

mod analytics;
mod answers;
mod api_keys;
mod auth;
pub(crate) mod billing;
mod concurrency;
mod health;
mod paths;
mod periods;
mod permissions;
mod plans;
mod rate_limits;
mod tasks;
mod tenants;
mod webhooks;
