//! How many there are of each state.

use serde::Serialize;
use table::Millis;

use crate::kind::Kind;

/// How everything stands, some seconds ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Of each kind of jobs, in the order of [`Kind::JOBS`]; zeros where there are none.
    pub jobs: Vec<JobTally>,
    /// Of each platform that has or had credentials, by name.
    pub pools: Vec<PoolTally>,
}

/// How the jobs of a kind stand. A job that is deleted is counted no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct JobTally {
    /// Of which kind.
    pub kind: Kind,
    /// Those that wait for a worker: with `resting` the API's `pending` (portal jobs: `queued`).
    pub waiting: u64,
    /// Those that rest: until the next check of a monitor, or until an attempt may be made again.
    pub resting: u64,
    /// Those that a worker is at, or whose parts are worked on.
    pub running: u64,
    /// Those that ended well.
    pub completed: u64,
    /// Those that ended badly.
    pub failed: u64,
    /// Those that were cancelled. Of portal jobs the API calls them failed.
    pub cancelled: u64,
    /// Since when the one waits that has waited longest, to the minute (the minute's beginning); none if none waits.
    pub oldest_waiting: Option<Millis>,
}

/// How the credentials of a platform stand, as they were last written: a lease or a cooldown that is over is written down within a minute, until when
/// such a credential counts as in use, or as resting, although it can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolTally {
    /// The platform's name.
    pub platform: String,
    /// Free ones.
    pub available: u64,
    /// Those that scrapers hold.
    pub in_use: u64,
    /// Resting ones.
    pub cooldown: u64,
    /// Those that are failed until they are reset.
    pub failed: u64,
    /// Those that are switched off.
    pub disabled: u64,
}

impl JobTally {
    /// Jobs there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.waiting + self.resting + self.running + self.completed + self.failed + self.cancelled
    }
}

impl PoolTally {
    /// Credentials there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.available + self.in_use + self.cooldown + self.failed + self.disabled
    }
}
