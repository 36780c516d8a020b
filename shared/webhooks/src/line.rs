//! Who may make an attempt now, who waits, and who is woken: a user's deliveries line up for the user's places.
//!
//! No wake-up is lost. Who is refused a place stands in line first, and then says on the places' item that somebody waits. If that finds a place free, it
//! tries again itself; and if it finds none, whoever leaves one afterwards is told, and asks the line. What dies between, or loses its message, is
//! what `recovery` is for: each delivery stays in the `due` index. That somebody stands in line is a hint, as a message is.

use std::time::Duration;

use jobs::Hint;
use serde::{Deserialize, Serialize};
use table::{Item, Key, Query, TableError};

use crate::deliveries::Deliveries;
use crate::delivery::{Delivery, DeliveryStatus, KEPT_SECONDS};
use crate::endpoint::Endpoint;
use crate::keys::{line_of, line_place, places_key};
use crate::places::{Place, Room, free, is_failing, nobody_waits, open_to, wait, waits};

/// How often a place is tried for that others take at the same moment.
const ROUNDS: usize = 4;
/// When a hint comes again that was outrun each time.
const LATER: Duration = Duration::from_secs(1);

/// The two lines of a user: who waits at a failing endpoint holds up nobody at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Well,
    Failing,
}

/// A delivery that stands in line.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    #[serde(flatten)]
    key: Key,
    /// The delivery's sort key.
    delivery: String,
    expires_at: u64,
}

impl Deliveries {
    /// A place for an attempt at a delivery. None if its user has none free: then the delivery stands in line, if it is to be made now.
    pub(crate) async fn enter(&self, delivery: &Key, endpoint: &Endpoint) -> Result<Option<Place>, TableError> {
        for _ in 0..ROUNDS {
            if let Some(place) = self.try_to_enter(endpoint).await? {
                return Ok(Some(place));
            }
            if !self.line_up(delivery, endpoint).await? {
                return Ok(None);
            }
        }
        self.queue.hint(&Hint::goes_on(delivery.clone()), LATER).await;
        Ok(None)
    }

    async fn try_to_enter(&self, endpoint: &Endpoint) -> Result<Option<Place>, TableError> {
        let key = places_key(&endpoint.user_id);
        let mut wanted = fastrand::choice(open_to(endpoint, self.clock.now())).copied();
        while let Some(attribute) = wanted {
            let now = self.clock.now();
            let place = Place::at(attribute, now);
            match self.table.update(&key, place.take(now)).await {
                Ok(_) => return Ok(Some(place)),
                Err(TableError::ConditionFailed(items)) => {
                    let places = self.table.refused(&key, items).await?.unwrap_or_default();
                    // Ours, if the answer to the first try was lost.
                    if place.held().holds(&places) {
                        return Ok(Some(place));
                    }
                    wanted = free(&places, open_to(endpoint, now), now).first().copied();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Lets a delivery stand in line, if it is to be made now. True if a place has become free meanwhile, and nobody else has seen to it.
    async fn line_up(&self, key: &Key, endpoint: &Endpoint) -> Result<bool, TableError> {
        let now = self.clock.now();
        let Some(delivery) = self.table.get::<Delivery>(key).await? else { return Ok(false) };
        let is_due = delivery.lease.claimable_at.is_some_and(|at| at <= now);
        if delivery.status != DeliveryStatus::Pending || !is_due {
            return Ok(false);
        }
        let line = if is_failing(endpoint, now) { Line::Failing } else { Line::Well };
        let waiting = Waiting {
            key: line_place(line, &delivery),
            delivery: key.sk.clone(),
            expires_at: now.epoch_seconds() + KEPT_SECONDS,
        };
        self.table.replace(&waiting).await?;
        let places = self.table.update(&places_key(&endpoint.user_id), wait()).await?;
        if free(&places, open_to(endpoint, now), now).is_empty() {
            return Ok(false);
        }
        Ok(self.table.take::<Waiting>(&waiting.key).await?.is_some())
    }

    /// Gives a place back, and wakes who waits for it. `went_well` says whether an attempt has just succeeded.
    pub(crate) async fn leave(&self, user: &str, place: &Place, went_well: bool) -> Result<(), TableError> {
        let key = places_key(user);
        let places = match self.table.update(&key, place.leave()).await {
            Ok(places) => places,
            // Left by a first try whose answer was lost, or another's by now.
            Err(TableError::ConditionFailed(items)) => self.table.refused(&key, items).await?.unwrap_or_default(),
            Err(error) => return Err(error),
        };
        self.wake(user, places, went_well).await
    }

    /// Wakes who waits, on behalf of one who was woken and needs no place.
    pub(crate) async fn pass_on(&self, user: &str) -> Result<(), TableError> {
        match self.table.get_item(&places_key(user), true).await? {
            Some(places) => self.wake(user, places, false).await,
            None => Ok(()),
        }
    }

    async fn wake(&self, user: &str, places: Item, went_well: bool) -> Result<(), TableError> {
        let room = Room::in_places(&places, went_well, self.clock.now());
        let Some(waits) = waits(places)?.filter(|_| room.well > 0) else { return Ok(()) };
        let (mut woken, is_last) = self.step_forward(user, Line::Well, room.well).await?;
        let (others, is_last_of_all) = self.step_forward(user, Line::Failing, room.failing(woken.len())).await?;
        woken.extend(others);
        self.queue.hint_all(&woken).await;
        if is_last && is_last_of_all {
            match self.table.update(&places_key(user), nobody_waits(waits)).await {
                Ok(_) | Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the first of a line out of it, no more than `most`: a hint for each, and whether nobody stands behind them. What another has taken out
    /// is theirs to wake.
    async fn step_forward(&self, user: &str, line: Line, most: usize) -> Result<(Vec<Hint>, bool), TableError> {
        let mut hints = Vec::with_capacity(most);
        let limit = u32::try_from(most).unwrap_or_default();
        if limit == 0 {
            return Ok((hints, false));
        }
        let first = Query::new(line_of(user, line)).consistent().limit(limit);
        let first = self.table.query::<Waiting>(first).await?.items;
        let is_last = first.len() < most;
        for waiting in first {
            if let Some(Waiting { key, delivery, .. }) = self.table.take(&waiting.key).await? {
                hints.push(Hint::goes_on(Key::new(key.pk, delivery)));
            }
        }
        Ok((hints, is_last))
    }
}
