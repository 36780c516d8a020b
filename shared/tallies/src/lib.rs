//! Knows how many jobs and credentials there are of each state, and what happens a minute: counted from the streams of their tables, and read at a price
//! that does not grow with them. Knows nothing of what a job does. Table `tallies`:
//!
//! | pattern | key condition |
//! |---|---|
//! | how many jobs of a kind are of each state | `pk = COUNTS`, `sk = JOBS#kind#lane` |
//! | how many credentials of a platform are of each state | `pk = COUNTS`, `sk = POOL#platform#lane` |
//! | how many jobs of a kind wait since a minute | `pk = WAITING`, `sk = hour#kind` |
//! | what happened in ten minutes | `pk = RATES`, `sk = ten minutes#kind#lane` |
//! | which changes of a second are counted | `pk = COUNTED#stream#second`, `sk = COUNTED` |
//!
//! Each change of an item is counted once, however often and in whatever order it is told of: docs/decisions/0032-tallies.md.

mod kind;
mod overview;
mod rates;
mod store;

pub use kind::Kind;
pub use overview::{JobTally, Overview, PoolTally};
pub use rates::{Last, Rates, Series};
pub use store::Tallies;
