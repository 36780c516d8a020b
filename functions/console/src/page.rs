//! The pages.

pub(crate) mod audit;
pub(crate) mod credentials;
pub(crate) mod jobs;
pub(crate) mod letters;
pub(crate) mod overview;
pub(crate) mod proxies;
pub(crate) mod schedules;
pub(crate) mod usage;
