//! Judges a recorded run. Knows nothing of how the lease is made: only what its holders were told, and when.

use std::collections::BTreeMap;

use super::history::{Event, Moment, What};

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Two leases on one item were held at the same moment.
    TwoHolders { item: usize, first: usize, second: usize, at: Moment },
    /// A claim that came after another was given no larger token.
    TokenDidNotGrow { item: usize, before: u64, after: u64 },
    /// A write was accepted although a newer token had been granted before it was made.
    StaleWrite { item: usize, token: u64, newer: u64 },
}

/// A time during which a participant had reason to believe that an item is its own.
#[derive(Clone, Copy, Debug)]
struct Held {
    who: usize,
    /// Which grant it stems from.
    grant: usize,
    from: Moment,
    to: Moment,
}

/// A claim that was granted.
#[derive(Clone, Copy, Debug)]
struct Grant {
    who: usize,
    token: u64,
    called: Moment,
    answered: Moment,
}

/// Everything that is wrong with a run.
pub(crate) fn check(history: &[Event]) -> Vec<Violation> {
    let mut items: BTreeMap<usize, Vec<Event>> = BTreeMap::new();
    for event in history {
        items.entry(event.item).or_default().push(*event);
    }
    let mut violations = Vec::new();
    for (item, mut events) in items {
        events.sort_by_key(|event| event.answered);
        let grants = grants(&events);
        violations.extend(overlaps(item, holdings(&events, &grants)));
        violations.extend(tokens_that_did_not_grow(item, &grants));
        violations.extend(stale_writes(item, &events, &grants));
    }
    violations
}

fn grants(events: &[Event]) -> Vec<Grant> {
    let grant = |event: &Event| match event.what {
        What::Granted { token, .. } => {
            Some(Grant { who: event.who, token, called: event.called, answered: event.answered })
        }
        _ => None,
    };
    events.iter().filter_map(grant).collect()
}

/// When who held the item: from the answer to a claim or a renewal until the lease ends, or the call that gives it back.
fn holdings(events: &[Event], grants: &[Grant]) -> Vec<Held> {
    let mut holdings = Vec::new();
    for (number, grant) in grants.iter().enumerate() {
        let own = events.iter().filter(|event| event.who == grant.who && event.called >= grant.called);
        let mut held: Vec<Held> = Vec::new();
        for event in own {
            match event.what {
                What::Granted { token, until } if token == grant.token && event.called == grant.called => {
                    held.push(Held { who: grant.who, grant: number, from: event.answered, to: until });
                }
                What::Renewed { token, until, accepted: true } if token == grant.token => {
                    held.push(Held { who: grant.who, grant: number, from: event.answered, to: until });
                }
                // Whatever the answer: who calls this does not think of itself as the holder any more.
                What::Released { token, .. } if token == grant.token => {
                    for part in &mut held {
                        part.to = part.to.min(event.called);
                    }
                    break;
                }
                _ => {}
            }
        }
        holdings.extend(held.into_iter().filter(|part| part.from < part.to));
    }
    holdings
}

fn overlaps(item: usize, mut holdings: Vec<Held>) -> Vec<Violation> {
    holdings.sort_by_key(|held| held.from);
    let mut violations = Vec::new();
    for (number, later) in holdings.iter().enumerate() {
        let earlier = holdings[..number].iter().find(|earlier| earlier.grant != later.grant && earlier.to > later.from);
        if let Some(earlier) = earlier {
            violations.push(Violation::TwoHolders { item, first: earlier.who, second: later.who, at: later.from });
        }
    }
    violations
}

/// Of two grants of which one was over before the other began, the later must have the larger token; and no two may have the same.
fn tokens_that_did_not_grow(item: usize, grants: &[Grant]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, later) in grants.iter().enumerate() {
        for earlier in &grants[..number] {
            let in_order = earlier.answered < later.called;
            if earlier.token == later.token || (in_order && earlier.token > later.token) {
                violations.push(Violation::TokenDidNotGrow { item, before: earlier.token, after: later.token });
            }
        }
    }
    violations
}

fn stale_writes(item: usize, events: &[Event], grants: &[Grant]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for event in events {
        let (What::Wrote { token, accepted: true }
        | What::Renewed { token, accepted: true, .. }
        | What::Released { token, accepted: true }) = event.what
        else {
            continue;
        };
        let newest = grants.iter().filter(|grant| grant.answered < event.called).map(|grant| grant.token).max();
        if let Some(newer) = newest.filter(|newest| *newest > token) {
            violations.push(Violation::StaleWrite { item, token, newer });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: usize = 0;
    const BOB: usize = 1;

    fn event(who: usize, called: Moment, answered: Moment, what: What) -> Event {
        Event { who, item: 7, called, answered, what }
    }

    fn granted(who: usize, called: Moment, token: u64, until: Moment) -> Event {
        event(who, called, called + 1, What::Granted { token, until })
    }

    fn released(who: usize, called: Moment, token: u64) -> Event {
        event(who, called, called + 1, What::Released { token, accepted: true })
    }

    fn wrote(who: usize, called: Moment, token: u64, accepted: bool) -> Event {
        event(who, called, called + 1, What::Wrote { token, accepted })
    }

    #[test]
    fn one_after_the_other_is_right() {
        let history = [
            granted(ANN, 0, 1, 100),
            wrote(ANN, 5, 1, true),
            released(ANN, 10, 1),
            granted(BOB, 10, 2, 110),
            wrote(BOB, 20, 2, true),
        ];
        assert_eq!(check(&history), []);
    }

    #[test]
    fn two_holders_at_once_are_found() {
        let history = [granted(ANN, 0, 1, 100), granted(BOB, 50, 2, 150), released(ANN, 60, 1)];
        assert!(check(&history).contains(&Violation::TwoHolders { item: 7, first: ANN, second: BOB, at: 51 }));
    }

    #[test]
    fn a_lease_that_ran_out_is_not_held() {
        let history = [granted(ANN, 0, 1, 100), granted(BOB, 100, 2, 200), wrote(ANN, 120, 1, false)];
        assert_eq!(check(&history), []);
    }

    #[test]
    fn a_renewed_lease_is_held_until_its_new_end() {
        let renewed = event(ANN, 50, 51, What::Renewed { token: 1, until: 150, accepted: true });
        let history = [granted(ANN, 0, 1, 100), renewed, granted(BOB, 120, 2, 220)];
        assert!(matches!(check(&history)[..], [Violation::TwoHolders { at: 121, .. }]));
        let refused = event(ANN, 50, 51, What::Renewed { token: 1, until: 150, accepted: false });
        assert_eq!(check(&[history[0], refused, history[2]]), []);
    }

    #[test]
    fn tokens_must_grow_and_differ() {
        for (second, wrong) in [(2, true), (3, true), (4, false)] {
            let history = [granted(ANN, 0, 3, 10), granted(BOB, 20, second, 30)];
            let expected = wrong.then_some(Violation::TokenDidNotGrow { item: 7, before: 3, after: second });
            assert_eq!(check(&history), expected.into_iter().collect::<Vec<_>>(), "{second}");
        }
        // At the same time either may be first, but both the same must not be.
        let at_once = |token| [granted(ANN, 0, 3, 1), event(BOB, 0, 2, What::Granted { token, until: 2 })];
        assert_eq!(check(&at_once(2)), []);
        assert_eq!(check(&at_once(3)), [Violation::TokenDidNotGrow { item: 7, before: 3, after: 3 }]);
    }

    #[test]
    fn an_accepted_write_with_an_older_token_is_found() {
        let before = [granted(ANN, 0, 1, 10), granted(BOB, 20, 2, 30)];
        let with = |last| check(&[before[0], before[1], last]);
        assert_eq!(with(wrote(ANN, 40, 1, true)), [Violation::StaleWrite { item: 7, token: 1, newer: 2 }]);
        assert_eq!(with(released(ANN, 40, 1)), [Violation::StaleWrite { item: 7, token: 1, newer: 2 }]);
        assert_eq!(with(wrote(ANN, 40, 1, false)), []);
        // Made before the newer token was known to anybody: it may have come first.
        assert_eq!(with(wrote(ANN, 20, 1, true)), []);
    }

    #[test]
    fn items_do_not_mix() {
        let other = Event { item: 8, ..granted(BOB, 50, 1, 150) };
        assert_eq!(check(&[granted(ANN, 0, 1, 100), other]), []);
    }
}
