//! Starting what is due at a time of its own, each due time once: whoever else starts it at the same moment, however late, whatever dies.
//!
//! What recurs moves itself on, in the write that starts it, on condition that it is due as it was read. Of two who start it one is refused, for the
//! price of one request; and of however many times that have passed there is one start.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::iter;
use serde::{Deserialize, Serialize};
use table::{Key, Millis, TableError};

use crate::due::{Due, DueItem};
use crate::queue::Hint;

/// How many due items are read at a time: their starts wait for the slowest of them.
const PAGE: u32 = 1_000;
/// How many groups' items are started at once.
const GROUPS_AT_ONCE: usize = 32;
/// How many due at once are started at once; more are spread over a minute.
const FEW: usize = 20;
/// What many are spread over.
const SPREAD: Duration = Duration::from_mins(1);

/// What falls due again and again.
pub trait Recurring {
    /// It as it is stored.
    type Item;

    /// Reads what the index has shown, as far as it is needed to start it; what is not due any more can be left out.
    fn read(&self, due: Vec<DueItem>) -> impl Future<Output = Result<Vec<Self::Item>, TableError>> + Send;

    /// Its key.
    fn key(item: &Self::Item) -> &Key;

    /// What it has in common with those whose starts follow its own: at once they would meet on an item. Of two who start what is due at the same time one
    /// gets a group.
    fn group(item: &Self::Item) -> String;

    /// Starts it, by one conditional write, which also moves it on. Its message comes after `delay`, and counts as lost only so much later.
    fn start(&self, item: &Self::Item, delay: Duration) -> impl Future<Output = Result<Start, TableError>> + Send;
}

/// What became of one that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It was started, and this is its message.
    Started(Hint),
    /// Its time was passed over.
    Skipped,
    /// Somebody else has seen to it: it must not be due any more, or it would keep those of its group that come after it from being started.
    Lost,
}

/// What became of all that was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// What was started.
    pub started: u64,
    /// Due times that were passed over.
    pub skipped: u64,
    /// Due times that somebody else has seen to.
    pub lost: u64,
    /// What the table failed for: it is still due.
    pub failed: u64,
}

impl Due<'_> {
    /// Starts what is due, those first that have been so for longest, until `until`. What is left then is still due.
    ///
    /// Where many are due, their messages are spread over a minute, each always at the same time of it.
    pub async fn start<R: Recurring>(self, recurring: &R, until: Millis) -> Result<Started, TableError> {
        let mut sum = Started::default();
        loop {
            let round = Box::pin(self.round(recurring, until)).await?;
            sum = sum.plus(round);
            // Whoever has got a group may have died in it. Where nothing could be started, the next minute sees to that.
            if round.started == 0 || round.lost + round.failed == 0 {
                return Ok(sum);
            }
        }
    }

    /// Starts what is due and is nobody else's just now.
    async fn round<R: Recurring>(self, recurring: &R, until: Millis) -> Result<Started, TableError> {
        let (mut sum, mut start) = (Started::default(), None);
        while self.clock.now() < until {
            let page = self.page(PAGE, start.take()).await?;
            let due = recurring.read(page.items).await?;
            sum = sum.plus(self.start_all(recurring, due, until).await);
            match page.next {
                Some(next) => start = Some(next),
                None => break,
            }
        }
        Ok(sum)
    }

    async fn start_all<R: Recurring>(self, recurring: &R, due: Vec<R::Item>, until: Millis) -> Started {
        let spread = due.len() > FEW;
        let mut groups: BTreeMap<String, Vec<R::Item>> = BTreeMap::new();
        for item in due {
            groups.entry(R::group(&item)).or_default().push(item);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        fastrand::shuffle(&mut groups);
        let group = async |items: Vec<R::Item>| self.start_group(recurring, items, spread, until).await;
        let done: Vec<_> = iter(groups).map(group).buffer_unordered(GROUPS_AT_ONCE).collect().await;
        let (mut sum, mut hints) = (Started::default(), Vec::new());
        for (group, more) in done {
            sum = sum.plus(group);
            hints.extend(more);
        }
        self.queue.hint_each(&hints).await;
        sum
    }

    /// Starts those of a group one after the other, until one of them is somebody else's: two at one group would be in each other's way at every step.
    async fn start_group<R: Recurring>(
        self,
        recurring: &R,
        items: Vec<R::Item>,
        spread: bool,
        until: Millis,
    ) -> (Started, Vec<(Hint, Duration)>) {
        let (mut sum, mut hints) = (Started::default(), Vec::new());
        for item in items {
            if self.clock.now() >= until {
                break;
            }
            let delay = if spread { delay_of(R::key(&item)) } else { Duration::ZERO };
            match recurring.start(&item, delay).await {
                Ok(Start::Started(hint)) => {
                    sum.started += 1;
                    hints.push((hint, delay));
                }
                Ok(Start::Skipped) => sum.skipped += 1,
                Ok(Start::Lost) => {
                    sum.lost += 1;
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, due = R::key(&item).sk, "not started; it is still due");
                    sum.failed += 1;
                    if error.is_transient() {
                        break;
                    }
                }
            }
        }
        (sum, hints)
    }
}

impl Started {
    const fn plus(self, more: Self) -> Self {
        Self {
            started: self.started + more.started,
            skipped: self.skipped + more.skipped,
            lost: self.lost + more.lost,
            failed: self.failed + more.failed,
        }
    }
}

/// When what was due at `due` is due after `now`: the first of its times that is yet to come, each `interval` after the one before, however many have
/// passed.
#[must_use]
pub fn next_due(due: Millis, interval: Duration, now: Millis) -> Millis {
    let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    let passed = now.0.saturating_sub(due.0) / interval;
    Millis(due.0.saturating_add(interval.saturating_mul(passed + 1)))
}

/// When in the minute a message comes, where many are due: always at the same time of it.
fn delay_of(key: &Key) -> Duration {
    let mut hasher = DefaultHasher::new();
    (&key.pk, &key.sk).hash(&mut hasher);
    Duration::from_secs(hasher.finish() % SPREAD.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_next_due_at_the_first_of_its_times_to_come() {
        let minutes = |minutes: u64| Millis(minutes * 60_000);
        for (due, interval, now, next) in [
            (5, 5, 5, 10),
            (5, 5, 9, 10),
            (5, 5, 10, 15),
            // An hour late: once, not twelve times.
            (5, 5, 67, 70),
            (5, 1_440, 6, 1_445),
            // Not due yet.
            (5, 5, 4, 10),
        ] {
            let found = next_due(minutes(due), Duration::from_mins(interval), minutes(now));
            assert_eq!(found, minutes(next), "due {due}, every {interval}, at {now}");
        }
    }

    #[test]
    fn many_are_spread_evenly_over_the_minute_and_each_keeps_its_time() {
        let keys: Vec<_> = (0..6_000).map(|number| Key::new("TENANT#1", format!("SCHEDULE#{number}"))).collect();
        let mut seconds = [0; 60];
        for key in &keys {
            seconds[usize::try_from(delay_of(key).as_secs()).unwrap()] += 1;
            assert_eq!(delay_of(key), delay_of(&key.clone()));
        }
        let (least, most) = (seconds.iter().min().unwrap(), seconds.iter().max().unwrap());
        assert!(*least > 50 && *most < 150, "{seconds:?}");
    }
}
