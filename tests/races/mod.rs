//! The lease under contention, on a real table: a recorded run, checked afterwards.

pub(crate) mod checker;
mod differential;
pub(crate) mod history;
mod run;
