//! The operator's command, as an operator or a script runs it.

mod doctor;
mod ends;
mod jobs;
mod pools;
mod shells;
mod users;
