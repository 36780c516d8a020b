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

use tokio::sync::Mutex;

/// Held by each test of dozens of callers: two of them at once are more than the local cloud bears, which does one request at a time.
static CROWD: Mutex<()> = Mutex::const_new(());
