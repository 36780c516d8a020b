//! What happens, as plots show it.

use std::time::Duration;

use serde::Serialize;
use table::{Item, Millis};

use crate::delta::{begin_of, minute};
use crate::kind::Kind;
use crate::names::Event;
use crate::writes::{time_of, times};

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

    /// When the first point's time begins, if the last one's is that of `now`.
    pub(crate) fn first_point(self, now: Millis) -> Millis {
        let step = u64::try_from(self.step().as_millis()).unwrap_or(u64::MAX);
        let last = now.0 - now.0 % step;
        Millis(last.saturating_sub(step * (self.points() as u64 - 1)))
    }
}

impl Rates {
    /// What the items tell that count what has happened.
    pub(crate) fn of(items: &[Item], last: Last, now: Millis) -> Self {
        let from = last.first_point(now);
        let step_seconds = last.step().as_secs();
        let mut series: Vec<_> = Kind::ALL.into_iter().map(|kind| Series::nothing(kind, last.points())).collect();
        for item in items {
            let Some((ten_minutes, kind)) = time_of(item) else { continue };
            let Some(series) = series.iter_mut().find(|series| series.kind == kind) else { continue };
            for event in Event::ALL {
                let points = series.of(event);
                for (number, count) in (minute(ten_minutes)..).zip(times(item, event)) {
                    let Some(after) = begin_of(number).0.checked_sub(from.0) else { continue };
                    let Ok(at) = usize::try_from(after / 1_000 / step_seconds) else { continue };
                    if let (Some(point), Ok(count)) = (points.get_mut(at), u64::try_from(count)) {
                        *point += count;
                    }
                }
            }
        }
        Self { from, step_seconds, series }
    }
}

impl Series {
    fn nothing(kind: Kind, points: usize) -> Self {
        let none = || vec![0; points];
        Self { kind, submitted: none(), claimed: none(), completed: none(), failed: none(), cancelled: none() }
    }

    fn of(&mut self, event: Event) -> &mut Vec<u64> {
        match event {
            Event::Submitted => &mut self.submitted,
            Event::Claimed => &mut self.claimed,
            Event::Completed => &mut self.completed,
            Event::Failed => &mut self.failed,
            Event::Cancelled => &mut self.cancelled,
        }
    }
}
