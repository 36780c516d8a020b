//! contracts/credential-queue.md with its section of the rulings, and the administration beside it. Each test has a platform and keys of
//! its own.

mod administration;
mod budgets;
mod claims;
mod errors;
mod faults;
mod health;
mod hostile;
mod imports;
mod keys;
mod lock_client;
pub(crate) mod race;
mod reports;
mod scale;
