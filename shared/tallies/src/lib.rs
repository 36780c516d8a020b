//! Knows how many jobs and credentials there are of each state, and what happens a minute: counted from the streams of their tables, and read at a price
//! that does not grow with them. Knows nothing of what a job does. Table `tallies`:
//!
//! | pattern | key condition |
//! |---|---|
//! | how many jobs of a kind are of each state | `pk = COUNTS`, `sk = JOBS#kind#lane` |
//! | how many credentials of a platform are of each state | `pk = COUNTS`, `sk = POOL#platform#lane` |
//! | how many jobs of a kind wait since each minute of an hour | `pk = WAITING`, `sk = hour#kind#lane` |
//! | what happened in each of ten minutes | `pk = RATES`, `sk = ten minutes#kind#lane` |
//! | which changes of a second are counted | `pk = COUNTED#stream#second`, `sk = COUNTED` |
//! | how often a table was counted anew | `pk = RECOUNTS`, `sk = stream` |
//! | how many probes of a recount were seen | `pk = PROBED#probe`, `sk = PROBED` |
//!
//! Each change of an item is counted once, however often, in whatever order and in whatever batches it is told of: docs/decisions/0036-tallies.md. A
//! lane is one of a few items that are added up when they are read: whoever counts adds to one of them, so that not all get in each other's way.

mod change;
mod count;
mod delta;
mod kind;
mod names;
mod overview;
mod piece;
mod proof;
mod rates;
mod recount;
mod standing;
mod store;
#[cfg(test)]
mod tests;
mod tidy;
mod writes;

pub use change::{Change, Source};
pub use count::Counted;
pub use kind::Kind;
pub use overview::{JobTally, Overview, PoolTally};
pub use rates::{Last, Rates, Series};
pub use recount::{Correction, Difference, Recount};
pub use store::Tallies;
