//! Which items of a pool a process tries first. Pure: what was read of the index goes in, a key to try comes out.
//!
//! Processes know nothing of each other, and all read the same front of the index. Whoever loses a try knows that there are others: from
//! then on it keeps to its own lane, a part of the items that is picked by their keys, and reads pages that are wide enough to have a
//! page's worth of its lane in them. Lanes double with each loss and halve with each page that was used without one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use table::{Key, Millis};

/// How many keys a page has where nobody else is about: as many as half a read unit pays for.
const NARROW: u32 = 32;
/// How many keys a page has at most.
const WIDE: u32 = 512;
/// How many lanes there are at most.
const MOST_LANES: u32 = 64;
/// How long hints are kept: so long, at most, the order in which items were freed may be disregarded.
const KEPT: Duration = Duration::from_secs(30);

/// What a process remembers of one pool.
#[derive(Debug)]
pub(crate) struct Hints {
    keys: Vec<Key>,
    read_at: Millis,
    used_at: Millis,
    /// Which lane is this process's, modulo however many there are.
    lane: u32,
    lanes: u32,
    lost: bool,
}

impl Hints {
    /// Those of a process in `lane`, which is any number.
    pub(crate) const fn new(lane: u32) -> Self {
        Self { keys: Vec::new(), read_at: Millis(0), used_at: Millis(0), lane, lanes: 1, lost: false }
    }

    /// How many keys the next page should have.
    pub(crate) const fn width(&self) -> u32 {
        let width = NARROW * self.lanes;
        if width < WIDE { width } else { WIDE }
    }

    /// A key to try, if one is left that is not too old. At random: the order of a page would lead all to the same item.
    pub(crate) fn draw(&mut self, now: Millis) -> Option<Key> {
        if self.read_at.after(KEPT) < now {
            self.keys.clear();
        }
        if self.used_at.after(KEPT) < now {
            // Whether others are about has to be learnt anew: a wide page would disregard the order for nothing.
            (self.lanes, self.lost) = (1, false);
        }
        self.used_at = now;
        if self.keys.is_empty() { None } else { Some(self.keys.swap_remove(fastrand::usize(..self.keys.len()))) }
    }

    /// Takes a page as it was read at `now`.
    pub(crate) fn refill(&mut self, page: Vec<Key>, now: Millis) {
        if !self.lost {
            self.lanes = (self.lanes / 2).max(1);
        }
        (self.read_at, self.lost) = (now, false);
        let (own, others) = page.into_iter().partition(|key| self.is_own(key));
        self.keys = own;
        if self.keys.is_empty() {
            // Nobody may be left in the lanes that these are of.
            self.keys = others;
        }
    }

    /// Learns that an item was taken by another before it could be.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
        self.lanes = (self.lanes * 2).min(MOST_LANES);
        let keys = std::mem::take(&mut self.keys);
        self.keys = keys.into_iter().filter(|key| self.is_own(key)).collect();
    }

    fn is_own(&self, key: &Key) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish() % u64::from(self.lanes) == u64::from(self.lane % self.lanes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A pool in the order of its index, and processes that claim of it. What is counted is requests: reads of a page, and tries.
    struct Simulation {
        free: BTreeSet<(u64, u64)>,
        released: u64,
        processes: Vec<Hints>,
        now: Millis,
        requests: u32,
        claims: u32,
    }

    impl Simulation {
        fn new(items: u64, processes: usize) -> Self {
            fastrand::seed(7);
            Self {
                free: (0..items).map(|item| (0, item)).collect(),
                released: 0,
                processes: (0..processes).map(|_| Hints::new(fastrand::u32(..))).collect(),
                now: Millis(1),
                requests: 0,
                claims: 0,
            }
        }

        /// One request of a process; the item, if that has claimed one.
        fn step(&mut self, process: usize) -> Option<u64> {
            self.requests += 1;
            let hints = &mut self.processes[process];
            let Some(key) = hints.draw(self.now) else {
                let page = self.free.iter().take(hints.width() as usize);
                hints.refill(page.map(|(_, item)| Key::new(item.to_string(), "")).collect(), self.now);
                return None;
            };
            let item = key.pk.parse().expect("a number");
            let found = self.free.iter().find(|(_, free)| *free == item).copied();
            if found.is_none_or(|entry| !self.free.remove(&entry)) {
                hints.lose();
                return None;
            }
            self.claims += 1;
            Some(item)
        }

        fn claim(&mut self, process: usize) -> u64 {
            loop {
                if let Some(item) = self.step(process) {
                    return item;
                }
            }
        }

        fn release(&mut self, item: u64) {
            self.released += 1;
            self.free.insert((self.released, item));
        }

        fn requests_per_claim(&self) -> f64 {
            f64::from(self.requests) / f64::from(self.claims)
        }
    }

    #[test]
    fn one_caller_pays_hardly_more_than_its_tries_over_however_many_processes() {
        for (processes, pause, kept, bound) in [
            (1, 10, false, 1.05),
            (4, 10, false, 1.15),
            (8, 10, false, 1.2),
            (1, 10, true, 1.35),
            (4, 10, true, 1.35),
            (8, 10, true, 1.4),
            (8, 500, false, 1.2),
            (8, 500, true, 1.4),
        ] {
            let mut simulation = Simulation::new(1_000, processes);
            for round in 0..300 {
                let item = simulation.claim(round % processes);
                if !kept {
                    simulation.release(item);
                }
                simulation.now = Millis(simulation.now.0 + pause);
            }
            let cost = simulation.requests_per_claim();
            assert!(cost <= bound, "{processes} processes, {pause} ms apart, kept: {kept}: {cost} requests a claim");
        }
    }

    #[test]
    fn many_callers_at_once_spread() {
        for (processes, items, bound) in [(8, 100, 1.2), (64, 1_000, 1.5), (64, 100, 2.0)] {
            let mut simulation = Simulation::new(items, processes);
            let mut held = vec![None; processes];
            while simulation.claims < 2_000 {
                let process = fastrand::usize(..processes);
                match held[process].take() {
                    Some(item) => simulation.release(item),
                    None => held[process] = simulation.step(process),
                }
            }
            let cost = simulation.requests_per_claim();
            assert!(cost <= bound, "{processes} processes on {items} items: {cost} requests a claim");
        }
    }

    #[test]
    fn no_item_is_passed_over_for_ever() {
        // Two processes that believe in many lanes, of which none is anybody's but their own.
        let mut simulation = Simulation::new(300, 2);
        for hints in &mut simulation.processes {
            hints.lanes = MOST_LANES;
        }
        for round in 0..300 {
            simulation.claim(round % 2);
        }
        assert!(simulation.free.is_empty());
    }

    #[test]
    fn hints_that_are_too_old_are_not_tried() {
        let mut hints = Hints::new(0);
        hints.refill(vec![Key::new("a", ""), Key::new("b", "")], Millis(0));
        assert!(hints.draw(Millis(0).after(KEPT)).is_some());
        assert!(hints.draw(Millis(1).after(KEPT)).is_none());
    }

    #[test]
    fn after_a_rest_nobody_else_is_reckoned_with() {
        let mut hints = Hints::new(0);
        hints.draw(Millis(0));
        hints.lose();
        hints.draw(Millis(0).after(KEPT));
        assert_eq!(hints.width(), 2 * NARROW);
        hints.draw(Millis(1).after(KEPT).after(KEPT));
        assert_eq!(hints.width(), NARROW);
    }
}
