//! Knows the life of a job: submitted with its units reserved, hinted at by a message, claimed under a lease with a slot of its group, recorded
//! step by step, handed out to children, retried, rested, cancelled, and ended exactly once, with its counters and charges in the same transaction.
//! Knows nothing of what a job does.
//!
//! The job's item is the truth; a message is only a hint that its group has work. Whoever gets the hint, however often, claims the best that waits
//! ([`Jobs::take`]); and a job whose hint was lost is found by the `due` index and hinted at again ([`Jobs::redeliver_due`]). One that rests until the
//! next part of its work is due is found by that index too, and started ([`Jobs::start_rested`]).
//!
//! Its table has the indexes `due` (global: `job_kind`, `redeliver_at`), `ids` (global: `id`), `by_turn` and `by_status` (local: `turn`, `status`).

mod account;
mod beside;
mod claim;
mod clean;
mod dead_letter;
mod desk;
mod due;
mod end;
mod family;
mod feed;
mod join;
mod kept;
pub mod ledger;
mod line;
mod lines;
mod listing;
mod log;
mod owner;
mod policy;
mod queue;
mod record;
mod redrive;
mod reopen;
mod resting;
mod results;
mod run;
mod slots;
mod start;
mod upload;
pub mod usage;

pub use account::{Account, Outcome};
pub use beside::{Beside, Elsewhere};
pub use claim::Claimed;
pub use clean::Found;
pub use dead_letter::{DeadLetter, DeadLetters, LetterId};
pub use desk::{Jobs, NewJob, SubmitError};
pub use due::{Due, DueItem};
pub use end::Cancelled;
pub use feed::{FeedLine, Feeds, Place, Stretch};
pub use join::{Join, PartOf, whole};
pub use kept::Kept;
pub use lease::Lost;
pub use ledger::{Entry, Movement};
pub use lines::Lines;
pub use listing::{Part, keys_of_id, page_of_due};
pub use log::{Level, Line, LoggedLine, Logs};
pub use policy::Policy;
pub use queue::{Hint, LONGEST_DELAY, Queue};
pub use record::{Job, Status, place};
pub use redrive::Redriven;
pub use reopen::Reopened;
pub use resting::Moved;
pub use results::{Results, ResultsError, StoredLines};
pub use run::{Progress, Rest, Rested, Run};
pub use slots::Slots;
pub use start::{Recurring, Start, Started, next_due};
pub use upload::{Parts, StoreError};
