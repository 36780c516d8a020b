//! Knows the life of a job: submitted with its units reserved, hinted at by a message, claimed under a lease, recorded step by step,
//! retried, cancelled, and ended exactly once, with its counters and charges in the same transaction. Knows nothing of what a job does.
//!
//! The job's item is the truth; a message is only a hint that it exists. Whoever gets the hint, however often, claims the item by its
//! lease; and a job whose hint was lost is found by the `due` index and hinted at again ([`Jobs::redeliver_due`]).

mod account;
mod dead_letter;
mod desk;
mod log;
mod policy;
mod queue;
mod record;
mod results;
mod run;
mod upload;

pub use account::{Account, AccountItem, Outcome};
pub use dead_letter::{DeadLetter, DeadLetters};
pub use desk::{Cancelled, Claimed, Jobs, SubmitError};
pub use lease::Lost;
pub use log::{Level, Line, LoggedLine, Logs};
pub use policy::Policy;
pub use queue::Queue;
pub use record::{Job, Status};
pub use results::{Results, ResultsError};
pub use run::{Progress, Run};
pub use upload::{Parts, StoreError};
