//! Places: how many attempts of one user are under way at once, so that whoever's endpoints hang leaves room for everybody else's. Pure.
//!
//! All places of a user are one item; each is an attribute that says who holds it and until when. Whoever is killed loses it by that time: nothing is
//! counted, and so nothing has to be healed.

use std::time::Duration;

use serde::Deserialize;
use table::{Condition, Item, Millis, TableError, Update, decode, new_nonce};

use crate::delivery::KEPT_SECONDS;
use crate::endpoint::Endpoint;

/// The places of a user.
pub(crate) const PLACES: [&str; 5] = ["place_1", "place_2", "place_3", "place_4", "place_5"];
/// Those that are left to endpoints that have failed for a while.
const FOR_FAILING: [&str; 1] = [PLACES[0]];
/// For how long a place is held: longer than an attempt takes, with all that is read and written for it.
const HELD: Duration = Duration::from_secs(25);
/// After how long without a success the attempts at an endpoint are made one after another.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    attribute: &'static str,
    /// Until when, in thirteen digits, and by whom.
    holder: String,
}

/// Whether an endpoint has failed for so long that it must leave its owner's other endpoints room.
pub(crate) fn is_failing(endpoint: &Endpoint, now: Millis) -> bool {
    endpoint.failing_since.is_some_and(|since| since.after(PATIENCE) <= now)
}

/// The places that attempts at an endpoint may take.
pub(crate) fn open_to(endpoint: &Endpoint, now: Millis) -> &'static [&'static str] {
    if is_failing(endpoint, now) { &FOR_FAILING } else { &PLACES }
}

impl Place {
    /// A place to be taken.
    pub(crate) fn at(attribute: &'static str, now: Millis) -> Self {
        Self { attribute, holder: format!("{:013}#{}", now.after(HELD).0, new_nonce()) }
    }

    /// Takes it, if it is free.
    pub(crate) fn take(&self, now: Millis) -> Update {
        Update::new()
            .set(self.attribute, self.holder.as_str())
            .set("expires_at", now.epoch_seconds() + KEPT_SECONDS)
            .when(is_free(self.attribute, now))
    }

    /// Gives it back.
    pub(crate) fn leave(&self) -> Update {
        Update::new().remove(self.attribute).when(self.held())
    }

    /// Holds while it is ours.
    pub(crate) fn held(&self) -> Condition {
        Condition::equal(self.attribute, self.holder.as_str())
    }
}

fn is_free(attribute: &'static str, now: Millis) -> Condition {
    Condition::Any(vec![Condition::Absent(attribute), Condition::at_most(attribute, format!("{:013}", now.0))])
}

/// Which of these places are free.
pub(crate) fn free(places: &Item, among: &[&'static str], now: Millis) -> Vec<&'static str> {
    among.iter().copied().filter(|attribute| is_free(attribute, now).holds(places)).collect()
}

/// How many of those who wait may be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// At endpoints that are well.
    pub(crate) well: usize,
    for_failing: usize,
}

impl Room {
    /// The room that is left. After a success a failing endpoint may be well again: its deliveries get whatever there is.
    pub(crate) fn in_places(places: &Item, went_well: bool, now: Millis) -> Self {
        let well = free(places, &PLACES, now).len();
        Self { well, for_failing: if went_well { well } else { free(places, &FOR_FAILING, now).len() } }
    }

    /// At failing endpoints, beside so many at those that are well.
    pub(crate) fn failing(self, beside: usize) -> usize {
        self.for_failing.min(self.well.saturating_sub(beside))
    }
}

/// Says that somebody waits for a place.
pub(crate) fn wait() -> Update {
    Update::new().add("waits", 1)
}

/// Says that nobody stands in line of those who had said so `waits` times in all. The count only grows: so none of who says it later is forgotten,
/// however often the line was empty before.
pub(crate) fn nobody_waits(waits: u64) -> Update {
    let later = Condition::Any(vec![Condition::Absent("woken"), Condition::at_most("woken", waits)]);
    Update::new().set("woken", waits).when(later)
}

/// How often it was said that somebody waits, if the line was not found empty since.
pub(crate) fn waits(places: Item) -> Result<Option<u64>, TableError> {
    #[derive(Deserialize)]
    struct Waits {
        #[serde(default)]
        waits: u64,
        #[serde(default)]
        woken: u64,
    }
    let Waits { waits, woken } = decode(places)?;
    Ok((waits > woken).then_some(waits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_705_314_600_000);

    fn taken(count: usize, now: Millis) -> (Item, Vec<Place>) {
        let (mut item, mut held) = (Item::new(), Vec::new());
        for attribute in &PLACES[..count] {
            let place = Place::at(attribute, now);
            assert!(place.take(now).apply(&mut item));
            held.push(place);
        }
        (item, held)
    }

    #[test]
    fn a_place_has_one_holder_until_it_is_left_or_its_time_is_over() {
        let (mut item, held) = taken(1, NOW);
        let other = Place::at(PLACES[0], NOW);
        assert!(!other.take(NOW).apply(&mut item), "it is taken");
        assert!(!other.leave().apply(&mut item), "it is another's");
        assert!(!other.held().holds(&item) && held[0].held().holds(&item));
        assert!(held[0].leave().apply(&mut item) && other.take(NOW).apply(&mut item));

        let later = NOW.after(HELD + Duration::from_millis(1));
        let heir = Place::at(PLACES[0], later);
        assert!(!heir.take(NOW.after(HELD)).apply(&mut item), "not a moment too soon");
        assert!(heir.take(later).apply(&mut item), "the dead hold it no longer");
        assert!(!other.leave().apply(&mut item) && heir.held().holds(&item), "who comes late leaves nothing");
    }

    #[test]
    fn places_are_told_free() {
        let (item, _) = taken(3, NOW);
        assert_eq!(free(&item, &PLACES, NOW), PLACES[3..]);
        assert_eq!(free(&item, &FOR_FAILING, NOW), [""; 0]);
        assert_eq!(free(&Item::new(), &FOR_FAILING, NOW), FOR_FAILING);
        assert_eq!(free(&item, &PLACES, NOW.after(HELD * 2)), PLACES);
    }

    #[test]
    fn who_waits_at_a_failing_endpoint_is_woken_into_its_own_place_and_after_a_success_into_any() {
        for (held, went_well, well, none_taken, two_taken) in
            [(0, false, 5, 1, 1), (0, true, 5, 5, 3), (1, false, 4, 0, 0), (3, true, 2, 2, 0), (5, true, 0, 0, 0)]
        {
            let (item, _) = taken(held, NOW);
            let room = Room::in_places(&item, went_well, NOW);
            let told = (room.well, room.failing(0), room.failing(2));
            assert_eq!(told, (well, none_taken, two_taken), "{held} held, {went_well}");
        }
    }

    #[test]
    fn that_somebody_waits_is_not_forgotten_by_who_has_not_heard_of_them() {
        let mut item = Item::new();
        assert_eq!(waits(item.clone()).unwrap(), None);
        assert!(wait().apply(&mut item));
        let heard = waits(item.clone()).unwrap().unwrap();
        assert!(wait().apply(&mut item) && nobody_waits(heard).apply(&mut item));
        assert_eq!(waits(item.clone()).unwrap(), Some(2), "the second has said so since");
        assert!(nobody_waits(2).apply(&mut item));
        assert_eq!(waits(item.clone()).unwrap(), None);
        // Who has found the line empty long ago, and says so now, forgets nobody.
        assert!(wait().apply(&mut item) && !nobody_waits(1).apply(&mut item));
        assert_eq!(waits(item).unwrap(), Some(3));
    }
}
