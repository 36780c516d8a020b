//! What changes bring to the counts: pure, and the same in whatever order they are put together.

use std::collections::BTreeMap;

use table::Millis;

use crate::change::Change;
use crate::kind::Kind;
use crate::names::Event;
use crate::proof::probe_in;
use crate::standing::{Group, Standing};

/// How many milliseconds a minute has.
const MINUTE: u64 = 60_000;

/// What is to be added to the counts. An amount of nothing is of what was changed, and changed back: nothing is added to that, and yet it is written to, so that
/// whoever looks whether anything was counted meanwhile ([`crate::recount`]) does not miss it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// To how many there are of a state.
    pub(crate) states: BTreeMap<(Group, &'static str), i64>,
    /// To how many wait since a minute, counted from the epoch.
    pub(crate) waiting: BTreeMap<(Kind, u64), i64>,
    /// To how often something has happened in a minute, counted from the epoch.
    pub(crate) events: BTreeMap<(Kind, u64, Event), i64>,
    /// How many probes were seen, by what they are called and until when that is kept, in seconds ([`crate::proof`]).
    pub(crate) probes: BTreeMap<(String, u64), i64>,
}

impl Delta {
    /// What one change brings.
    pub(crate) fn of(change: &Change) -> Self {
        let (before, after) = (Standing::of(change.source, &change.before), Standing::of(change.source, &change.after));
        let mut delta =
            Self { probes: probe_in(change).map(|probe| (probe, 1)).into_iter().collect(), ..Self::default() };
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
        add_all(&mut self.states, &more.states);
        add_all(&mut self.waiting, &more.waiting);
        add_all(&mut self.events, &more.events);
        add_all(&mut self.probes, &more.probes);
        self
    }

    /// Without what nothing is added to.
    pub(crate) fn net(mut self) -> Self {
        self.states.retain(|_, amount| *amount != 0);
        self.waiting.retain(|_, amount| *amount != 0);
        self
    }

    /// Whether it changes nothing that is counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty() && self.waiting.is_empty() && self.events.is_empty() && self.probes.is_empty()
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

/// Adds to each count, and keeps also what adds up to nothing.
fn add_all<K: Ord + Clone>(counts: &mut BTreeMap<K, i64>, more: &BTreeMap<K, i64>) {
    for (key, amount) in more {
        *counts.entry(key.clone()).or_default() += amount;
    }
}

/// Adds to a count of one change; what it leaves as it was is not kept.
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
