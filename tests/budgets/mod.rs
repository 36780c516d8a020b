//! What every endpoint and a whole task may cost: the bounds, as one table, against what the functions' own log lines tell.

pub(crate) mod billing;
mod cost;
mod endpoints;
mod requests;
mod tasks;
mod worker;
