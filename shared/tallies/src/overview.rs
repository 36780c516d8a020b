//! How many there are of each state.

use std::collections::BTreeMap;

use credentials::Status;
use serde::Serialize;
use table::{Item, Millis};

use crate::delta::{begin_of, minute};
use crate::kind::Kind;
use crate::standing::{CANCELLED, COMPLETED, FAILED, Group, RESTING, RUNNING, WAITING, number};
use crate::writes::{since, time_of};

/// How everything stands, some seconds ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Of each kind of jobs, in the order of [`Kind::JOBS`]; zeros where there are none.
    pub jobs: Vec<JobTally>,
    /// Of each platform that has or had credentials, by name.
    pub pools: Vec<PoolTally>,
    /// Whether there are more platforms than are read: then the last ones by name are missing.
    pub is_cut: bool,
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

/// How the credentials of a platform stand, as they were last written: a lease or a cooldown that is over is written down each minute, until when
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

impl Overview {
    /// What the items tell that count, and those that tell who waits.
    pub(crate) fn of(counts: &[Item], waiting: &[Item], now: Millis) -> Self {
        let mut groups: BTreeMap<Group, Vec<&Item>> = BTreeMap::new();
        for item in counts {
            if let Some(group) = Group::of_counts(item) {
                groups.entry(group).or_default().push(item);
            }
        }
        let jobs = Kind::JOBS.into_iter().map(|kind| {
            let lanes = groups.remove(&Group::Jobs(kind)).unwrap_or_default();
            JobTally {
                kind,
                waiting: sum(&lanes, WAITING),
                resting: sum(&lanes, RESTING),
                running: sum(&lanes, RUNNING),
                completed: sum(&lanes, COMPLETED),
                failed: sum(&lanes, FAILED),
                cancelled: sum(&lanes, CANCELLED),
                oldest_waiting: oldest(waiting, kind, now),
            }
        });
        let jobs = jobs.collect();
        let pools = groups.into_iter().filter_map(|(group, lanes)| {
            let Group::Pool(platform) = group else { return None };
            let of = |status: Status| sum(&lanes, status.as_str());
            Some(PoolTally {
                platform,
                available: of(Status::Available),
                in_use: of(Status::InUse),
                cooldown: of(Status::Cooldown),
                failed: of(Status::Failed),
                disabled: of(Status::Disabled),
            })
        });
        Self { jobs, pools: pools.collect(), is_cut: false }
    }
}

/// What all lanes have of a state. They are not read in one moment, so that they may add up to less than nothing.
fn sum(lanes: &[&Item], state: &str) -> u64 {
    let sum: i64 = lanes.iter().filter_map(|lane| number(lane, state)).sum();
    u64::try_from(sum).unwrap_or(0)
}

/// The first minute since when jobs of a kind wait.
fn oldest(waiting: &[Item], kind: Kind, now: Millis) -> Option<Millis> {
    let mut minutes: BTreeMap<u64, i64> = BTreeMap::new();
    for item in waiting {
        let Some((hour, _)) = time_of(item).filter(|(_, of)| *of == kind) else { continue };
        for (number, jobs) in (minute(hour)..).zip(since(item)) {
            *minutes.entry(number).or_default() += jobs;
        }
    }
    let first = minutes.into_iter().find(|(_, jobs)| *jobs > 0).map(|(number, _)| number);
    first.filter(|number| *number <= minute(now)).map(begin_of)
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
