//! The manners of the extraction cloud (contracts/extract-cloud.md): who may call, how often, and how answers look.

mod body;
mod error;
mod guard;

pub use body::{Body, Path, Reply, Text};
pub use error::{Detail, Error};
pub use guard::{Caller, Gate, gated};
