//! What changes bring to the counts: pure, and the same in whatever order they are put together.

use std::collections::BTreeMap;

use table::Millis;

use crate::change::Change;
use crate::kind::Kind;
use crate::names::Event;
use crate::standing::{Group, Standing};

/// How many milliseconds a minute has.
const MINUTE: u64 = 60_000;

/// What is to be added to the counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// To how many there are of a state.
    pub(crate) states: BTreeMap<(Group, &'static str), i64>,
    /// To how many wait since a minute, counted from the epoch.
    pub(crate) waiting: BTreeMap<(Kind, u64), i64>,
    /// To how often something has happened in a minute, counted from the epoch.
    pub(crate) events: BTreeMap<(Kind, u64, Event), i64>,
}

impl Delta {
    /// What one change brings.
    pub(crate) fn of(change: &Change) -> Self {
        let (before, after) = (Standing::of(change.source, &change.before), Standing::of(change.source, &change.after));
        let mut delta = Self::default();
        for (standing, sign) in [(&before, -1), (&after, 1)] {
            let Some(standing) = standing else { continue };
            add(&mut delta.states, (standing.group.clone(), standing.state), sign);
            if let Some(since) = standing.waits_since {
                add(&mut delta.waiting, (standing.group.kind(), minute(since)), sign);
            }
        }
        if let Some(after) = &after {
            let kind = after.group.kind();
            for (event, times) in happened(before.as_ref(), after, change.before.is_empty()) {
                // A count that was set back, as that of failures by a reset, is nothing that has happened.
                add(&mut delta.events, (kind, minute(change.at), event), times.max(0));
            }
        }
        delta
    }

    /// Both together.
    pub(crate) fn plus(mut self, more: &Self) -> Self {
        more.states.iter().for_each(|(key, amount)| add(&mut self.states, key.clone(), *amount));
        more.waiting.iter().for_each(|(key, amount)| add(&mut self.waiting, *key, *amount));
        more.events.iter().for_each(|(key, amount)| add(&mut self.events, *key, *amount));
        self
    }

    /// Whether it adds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty() && self.waiting.is_empty() && self.events.is_empty()
    }
}

/// The minute that a moment lies in, counted from the epoch.
pub(crate) const fn minute(moment: Millis) -> u64 {
    moment.0 / MINUTE
}

/// When a minute begins.
pub(crate) const fn begin_of(minute: u64) -> Millis {
    Millis(minute.saturating_mul(MINUTE))
}

/// What has happened to it, and how often.
fn happened(before: Option<&Standing>, after: &Standing, is_new: bool) -> [(Event, i64); 5] {
    let more = |count: fn(&Standing) -> i64| count(after) - before.map_or(0, count);
    [
        (Event::Submitted, i64::from(is_new)),
        (Event::Claimed, more(|standing| standing.claims)),
        (Event::Completed, more(|standing| standing.successes)),
        (Event::Failed, more(|standing| standing.failures)),
        (Event::Cancelled, more(|standing| standing.cancellations)),
    ]
}

/// Adds to a count; what adds up to nothing is not kept.
fn add<K: Ord>(counts: &mut BTreeMap<K, i64>, key: K, amount: i64) {
    use std::collections::btree_map::Entry;
    match counts.entry(key) {
        Entry::Occupied(mut entry) if *entry.get() + amount != 0 => *entry.get_mut() += amount,
        Entry::Occupied(entry) => {
            entry.remove();
        }
        Entry::Vacant(entry) if amount != 0 => {
            entry.insert(amount);
        }
        Entry::Vacant(_) => {}
    }
}
