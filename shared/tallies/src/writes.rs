//! How what is to be added is written, and how what was written is read: one item for each group, hour and ten minutes, in a lane.
//! What was changed and changed back is written to as well, by the number of writes alone.

use std::collections::BTreeMap;
use std::time::Duration;

use table::{Item, Key, Millis, Update};

use crate::delta::{Delta, begin_of};
use crate::kind::Kind;
use crate::names::{Event, SINCE};
use crate::proof::{SEEN, probed};
use crate::standing::{Group, number, text};

/// How many lanes there are.
pub(crate) const LANES: u8 = 4;
/// The partition of how many there are.
pub(crate) const COUNTS: &str = "COUNTS";
/// The partition of those that wait.
pub(crate) const WAITING: &str = "WAITING";
/// The partition of what has happened.
pub(crate) const RATES: &str = "RATES";
/// How long what has happened is kept.
const KEPT: Duration = Duration::from_hours(48);
/// How many minutes an item of those that wait tells of.
pub(crate) const HOUR: u64 = 60;
/// How many minutes an item of what has happened tells of.
pub(crate) const TEN: u64 = 10;

/// An item that is added to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Counts(Group),
    Waiting(u64, Kind),
    Rates(u64, Kind),
    Probes(String, u64),
}

impl Delta {
    /// The changes that add it, in a lane: one for each item, always in the same order.
    pub(crate) fn writes(&self, lane: u8) -> Vec<(Key, Update)> {
        let mut places: BTreeMap<Place, Update> = BTreeMap::new();
        let mut add = |place, name: &'static str, amount: i64| {
            let update = places.remove(&place).unwrap_or_default();
            places.insert(place, if amount == 0 { update } else { update.add(name, amount) });
        };
        for ((group, state), amount) in &self.states {
            add(Place::Counts(group.clone()), state, *amount);
        }
        for ((kind, minute), amount) in &self.waiting {
            add(Place::Waiting(minute - minute % HOUR, *kind), SINCE[at(*minute, HOUR)], *amount);
        }
        for ((kind, minute, event), amount) in &self.events {
            add(Place::Rates(minute - minute % TEN, *kind), event.names()[at(*minute, TEN)], *amount);
        }
        for ((probe, expires_at), seen) in &self.probes {
            add(Place::Probes(probe.clone(), *expires_at), SEEN, *seen);
        }
        places.into_iter().map(|(place, update)| place.written(update, lane)).collect()
    }
}

impl Place {
    /// The change of the item in a lane, with what each change of it brings.
    fn written(self, update: Update, lane: u8) -> (Key, Update) {
        // Who has read an item knows by the number of writes whether it is as it was.
        match self {
            Self::Counts(group) => (Key::new(COUNTS, group.place(lane)), update.add("writes", 1)),
            Self::Waiting(hour, kind) => (timed(WAITING, hour, kind, lane), update.add("writes", 1)),
            Self::Rates(ten, kind) => {
                let expires_at = begin_of(ten).after(KEPT).epoch_seconds();
                (timed(RATES, ten, kind, lane), update.set("expires_at", expires_at))
            }
            Self::Probes(probe, expires_at) => (probed(&probe), update.set("expires_at", expires_at)),
        }
    }
}

fn timed(partition: &str, minute: u64, kind: Kind, lane: u8) -> Key {
    Key::new(partition, format!("{}#{}#{lane}", begin_of(minute), kind.as_str()))
}

impl Group {
    /// Where its counts are, in a lane.
    fn place(&self, lane: u8) -> String {
        match self {
            Self::Jobs(kind) => format!("JOBS#{}#{lane}", kind.as_str()),
            Self::Pool(platform) => format!("POOL#{platform}#{lane}"),
        }
    }

    /// The group whose counts an item has.
    pub(crate) fn of_counts(item: &Item) -> Option<Self> {
        let mut parts = text(item, "sk")?.split('#');
        match (parts.next()?, parts.next()?) {
            ("JOBS", kind) => Kind::parse(kind).map(Self::Jobs),
            ("POOL", platform) => Some(Self::Pool(platform.to_owned())),
            _ => None,
        }
    }
}

/// The time and the kind that an item tells of.
pub(crate) fn time_of(item: &Item) -> Option<(Millis, Kind)> {
    let mut parts = text(item, "sk")?.split('#');
    Some((Millis::parse_timestamp(parts.next()?)?, Kind::parse(parts.next()?)?))
}

/// How many wait since each minute of an item's hour.
pub(crate) fn since(item: &Item) -> [i64; SINCE.len()] {
    SINCE.map(|name| number(item, name).unwrap_or(0))
}

/// How often something has happened in each of an item's ten minutes.
pub(crate) fn times(item: &Item, event: Event) -> [i64; 10] {
    event.names().map(|name| number(item, name).unwrap_or(0))
}

fn at(minute: u64, of: u64) -> usize {
    usize::try_from(minute % of).unwrap_or(0)
}
