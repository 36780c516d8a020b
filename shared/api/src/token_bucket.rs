//! Token buckets: a burst at once, and then as many as flow in; correct however many functions take from one.
//!
//! | pattern | key condition |
//! |---|---|
//! | the bucket of a subject | `pk = BUCKET#subject`, `sk = BUCKET` |
//!
//! What is stored is when the bucket will be full (`full_at`, the "theoretical arrival time" of the generic cell rate algorithm): each token taken
//! moves it by the time that one takes to flow in. So a take is one conditional write: to a bucket that is full already the token's time counts
//! from now, to any other from when it would have been full. Which it is, is guessed from what this process saw last, and known by the refusal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use table::{Clock, Condition, Key, Millis, Table, TableError, Update, decode};

/// How many buckets a warm function remembers.
const REMEMBERED: usize = 1_000;
/// How often a take is tried while others take.
const RACES: u32 = 6;
/// How long a full bucket is kept, in seconds.
const KEPT: u64 = 60;

/// How much a bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many tokens it holds: what may be done at once. At least 1.
    pub burst: u64,
    /// How many flow in a minute. At least 1.
    pub per_minute: u64,
}

/// What came of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was a token.
    pub allowed: bool,
    /// How many the bucket holds.
    pub limit: u64,
    /// How many are left.
    pub remaining: u64,
    /// When it is full again, in whole seconds since the epoch.
    pub reset_at: u64,
    /// In how many seconds there is a token, rounded up, at least 1.
    pub retry_after: u64,
}

/// The buckets, in the table `limits`.
#[derive(Clone, Debug)]
pub struct Tokens {
    table: Table,
    clock: Clock,
    bucket: Bucket,
    /// When those will be full that this process has seen.
    seen: Arc<Mutex<HashMap<String, Millis>>>,
}

#[derive(Deserialize)]
struct Stored {
    full_at: Millis,
}

impl Bucket {
    /// How long one token takes to flow in, in milliseconds.
    fn interval(self) -> u64 {
        60_000_u64.div_ceil(self.per_minute.max(1))
    }

    /// The most that it may lack for a token to be in it, in milliseconds.
    fn tolerance(self) -> u64 {
        self.interval() * self.burst.max(1).saturating_sub(1)
    }

    /// Takes a token from a bucket that is full.
    fn take_from_full(self, now: Millis) -> Update {
        let full = Condition::Any(vec![Condition::Absent("full_at"), Condition::at_most("full_at", now)]);
        let full_at = now.0 + self.interval();
        Update::new().set("full_at", full_at).set("expires_at", full_at / 1_000 + KEPT).when(full)
    }

    /// Takes a token from a bucket that is neither full nor empty.
    fn take(self, now: Millis) -> Update {
        let latest = (now.0 + self.tolerance() + self.interval()) / 1_000 + KEPT;
        Update::new()
            .add("full_at", i64::try_from(self.interval()).unwrap_or(i64::MAX))
            .set("expires_at", latest)
            .when(Condition::at_least("full_at", now.0 + 1))
            .when(Condition::at_most("full_at", now.0 + self.tolerance()))
    }

    /// What a bucket that will be full then tells at `now`.
    fn told(self, allowed: bool, full_at: Millis, now: Millis) -> Taken {
        let lacking = full_at.0.saturating_sub(now.0);
        let missing = lacking.div_ceil(self.interval());
        Taken {
            allowed,
            limit: self.burst,
            remaining: self.burst.saturating_sub(missing),
            reset_at: full_at.0.max(now.0).div_ceil(1_000),
            retry_after: lacking.saturating_sub(self.tolerance()).div_ceil(1_000).max(1),
        }
    }
}

impl Tokens {
    /// Buckets of this size in `table`.
    #[must_use]
    pub fn new(table: Table, clock: Clock, bucket: Bucket) -> Self {
        Self { table, clock, bucket, seen: Arc::default() }
    }

    /// Takes a token from the bucket of `subject`, if there is one.
    pub async fn take(&self, subject: &str) -> Result<Taken, TableError> {
        let key = Key::new(format!("BUCKET#{subject}"), "BUCKET");
        let mut full_at = self.seen().get(subject).copied().unwrap_or_default();
        for _ in 0..RACES {
            let now = self.clock.now();
            let take = if full_at <= now { self.bucket.take_from_full(now) } else { self.bucket.take(now) };
            match self.table.update(&key, take).await {
                Ok(item) => {
                    let Stored { full_at } = decode(item)?;
                    self.remember(subject, full_at);
                    return Ok(self.bucket.told(true, full_at, now));
                }
                Err(TableError::ConditionFailed(told)) => {
                    let found = self.table.refused(&key, told).await?;
                    full_at = found.map(decode::<Stored>).transpose()?.map_or(Millis(0), |stored| stored.full_at);
                    self.remember(subject, full_at);
                    if full_at.0 > now.0 + self.bucket.tolerance() {
                        return Ok(self.bucket.told(false, full_at, now));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the bucket moves faster than a token can be taken".to_owned()))
    }

    fn remember(&self, subject: &str, full_at: Millis) {
        let mut seen = self.seen();
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(subject.to_owned(), full_at);
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, Millis>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use table::Item;

    use super::*;

    const BUCKET: Bucket = Bucket { burst: 20, per_minute: 10 };

    /// A take as the table does it, by whichever write fits.
    fn take(item: &mut Item, now: u64) -> Taken {
        let now = Millis(now);
        let allowed = BUCKET.take_from_full(now).apply(item) || BUCKET.take(now).apply(item);
        let Stored { full_at } = decode(item.clone()).unwrap();
        BUCKET.told(allowed, full_at, now)
    }

    #[test]
    fn twenty_at_once_and_then_one_every_six_seconds() {
        let (mut item, start) = (Item::new(), 1_000_000);
        for taken in 1..=20 {
            let told = take(&mut item, start);
            assert_eq!((told.allowed, told.remaining, told.limit), (true, 20 - taken, 20));
        }
        let refused = take(&mut item, start);
        assert_eq!((refused.allowed, refused.remaining, refused.retry_after), (false, 0, 6));
        assert_eq!(refused.reset_at, start / 1_000 + 120, "it is full when twenty have flowed in");
        assert!(!take(&mut item, start + 5_999).allowed);
        assert_eq!(take(&mut item, start + 5_999).retry_after, 1);
        assert!(take(&mut item, start + 6_000).allowed, "the refused ones took nothing");
        assert!(!take(&mut item, start + 6_000).allowed);
        // After two minutes of silence it is full again, and no fuller.
        let told: Vec<_> = (0..21).map(|_| take(&mut item, start + 1_000_000).allowed).collect();
        assert_eq!(told.iter().filter(|allowed| **allowed).count(), 20);
    }

    #[test]
    fn of_both_writes_one_fits_while_there_is_a_token_and_none_when_there_is_not() {
        for full_at in [None, Some(0), Some(1_000), Some(1_001), Some(115_000), Some(115_001), Some(900_000)] {
            let now = Millis(1_000);
            let item = || {
                full_at.map_or_else(Item::new, |at: u64| {
                    Item::from([("full_at".to_owned(), table::AttributeValue::N(at.to_string()))])
                })
            };
            let fits = [BUCKET.take_from_full(now).apply(&mut item()), BUCKET.take(now).apply(&mut item())];
            let is_empty = full_at.is_some_and(|at| at > 115_000);
            assert_eq!(fits.iter().filter(|fits| **fits).count(), usize::from(!is_empty), "{full_at:?}");
        }
    }
}
