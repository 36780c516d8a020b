//! Knows the lease: that one owner at a time holds an item, for a bounded time, under a token that only grows. Knows nothing of what
//! is leased. Credentials, tasks, jobs, schedules and monitors all use this one lease.
//!
//! A leasable item carries the attributes of [`LeaseState`]. [`rules`] are the transitions, as conditional updates: pure data, the
//! same for production and for the property tests. [`claim`], [`renew`] and [`release`] send them.
//!
//! `claimable_at` alone decides who may claim: it is now for an available item, the end of the lease for a leased one, the end of
//! the pause for a resting one, and absent for an item that must not be claimed. So nothing has to be swept: a lease that ran out is
//! claimable because the time has passed.

pub mod backoff;
mod effects;
mod hints;
mod pool;
pub mod rules;
mod state;

pub use effects::{Claim, Lost, carries, claim, release, renew};
pub use pool::{Pool, Pools, Wish};
pub use rules::{Available, Holder};
pub use state::{Lease, LeaseState};
