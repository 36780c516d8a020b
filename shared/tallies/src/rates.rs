//! What happens, as plots show it.

use std::time::Duration;

use serde::Serialize;
use table::Millis;

use crate::kind::Kind;

/// How far a plot goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// An hour, a point a minute: 60 points.
    Hour,
    /// A day, a point every ten minutes: 144 points.
    Day,
}

/// What has happened, point by point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// When the first point's time begins.
    pub from: Millis,
    /// How long each point's time is, in seconds.
    pub step_seconds: u64,
    /// Of each kind, in the order of [`Kind::ALL`]: each list of all has the same length. The last point's time is not over.
    pub series: Vec<Series>,
}

/// What has happened to those of one kind: a number for each point, in all its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Of which kind.
    pub kind: Kind,
    /// Submitted; of credentials: added.
    pub submitted: Vec<u64>,
    /// Claimed by a worker or a scraper, also again.
    pub claimed: Vec<u64>,
    /// Ended well; of credentials: reported as working.
    pub completed: Vec<u64>,
    /// Ended badly; of credentials: reported as not working.
    pub failed: Vec<u64>,
    /// Cancelled; of credentials: none.
    pub cancelled: Vec<u64>,
}

impl Last {
    /// How long a point's time is.
    #[must_use]
    pub const fn step(self) -> Duration {
        match self {
            Self::Hour => Duration::from_mins(1),
            Self::Day => Duration::from_mins(10),
        }
    }

    /// How many points there are.
    #[must_use]
    pub const fn points(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::Day => 144,
        }
    }
}
