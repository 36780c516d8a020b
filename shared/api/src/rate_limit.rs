//! Rate limits: one atomic write a request, correct however many functions count at once.
//!
//! | pattern | key condition |
//! |---|---|
//! | the count of a window | `pk = RATE#subject`, `sk = scope#start of the window` |

use std::time::Duration;

use serde::Deserialize;
use table::{Clock, Key, Millis, Table, TableError, Update, decode};

/// How often a caller may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// What is counted together.
    pub scope: &'static str,
    /// How many requests one window takes.
    pub requests: u64,
    /// How long a window is. Windows begin at whole multiples of it since the epoch.
    pub window: Duration,
}

/// The answer of a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is within the limit.
    pub allowed: bool,
    /// The limit.
    pub limit: u64,
    /// How many more the window takes.
    pub remaining: u64,
    /// When the window ends, in whole seconds since the epoch.
    pub reset_at: u64,
    /// How many seconds that is from now, rounded up, at least 1.
    pub retry_after: u64,
}

/// Counts requests in the table `limits`.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    table: Table,
    clock: Clock,
}

#[derive(Deserialize)]
struct Window {
    hits: u64,
}

impl RateLimiter {
    /// Counts in `table`.
    #[must_use]
    pub const fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock }
    }

    /// Counts one request of `subject` and says whether it is within the limit.
    pub async fn hit(&self, subject: &str, limit: RateLimit) -> Result<Decision, TableError> {
        let now = self.clock.now();
        let (start, end) = limit.window_at(now);
        let key = Key::new(format!("RATE#{subject}"), format!("{}#{start}", limit.scope));
        let count = Update::new().add("hits", 1).set("expires_at", end / 1_000 + 60);
        let window: Window = decode(self.table.update(&key, count).await?)?;
        Ok(decide(limit, window.hits, now.0, end))
    }

    /// The same for whoever has a gate: a limiter that fails lets requests pass, as the window's first. A lost count is better than a lost service.
    pub(crate) async fn admit(&self, subject: &str, limit: RateLimit) -> Decision {
        self.hit(subject, limit).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the request was not counted");
            let now = self.clock.now();
            decide(limit, 1, now.0, limit.window_at(now).1)
        })
    }
}

impl RateLimit {
    /// When the window began that `now` is in, and when it ends: milliseconds since the epoch.
    fn window_at(self, now: Millis) -> (u64, u64) {
        let length = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX).max(1);
        let start = now.0 - now.0 % length;
        (start, start + length)
    }
}

/// What the `hits`th request of a window that ends at `end` is told at `now` (both milliseconds).
fn decide(limit: RateLimit, hits: u64, now: u64, end: u64) -> Decision {
    Decision {
        allowed: hits <= limit.requests,
        limit: limit.requests,
        remaining: limit.requests.saturating_sub(hits),
        reset_at: end.div_ceil(1_000),
        retry_after: (end - now).div_ceil(1_000).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit { scope: "general", requests: 3, window: Duration::from_mins(1) };

    #[test]
    fn the_limit_is_reached_with_the_last_allowed_request() {
        for (hits, allowed, remaining) in [(1, true, 2), (3, true, 0), (4, false, 0), (u64::MAX, false, 0)] {
            let decision = decide(LIMIT, hits, 59_001, 60_000);
            assert_eq!((decision.allowed, decision.remaining), (allowed, remaining), "request {hits}");
            assert_eq!((decision.limit, decision.reset_at, decision.retry_after), (3, 60, 1));
        }
    }
}
