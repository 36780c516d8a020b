//! What every endpoint and a whole task may cost: the bounds, as one table, against what the functions' own log lines tell.

mod analytics;
mod billing;
mod bound;
pub(crate) mod cost;
mod coverage;
mod dead_letters;
mod documents;
mod endpoints;
mod identity;
mod portal;
pub(crate) mod requests;
mod sockets;
mod tasks;
mod video;
mod videos;
mod webhooks;
mod worker;
