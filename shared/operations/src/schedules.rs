//! Schedules of all tenants: those of videos, and monitors, which are tasks that rest between their checks.

pub(crate) mod acts;
pub(crate) mod listing;
pub(crate) mod name;
pub(crate) mod row;
