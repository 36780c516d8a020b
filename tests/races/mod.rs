//! The lease under contention, on a real table: a recorded run, checked afterwards.

mod checker;
mod differential;
mod history;
mod run;
