//! How long, how often, how soon again: the decisions about time, pure.

use std::time::Duration;

use lease::backoff::{doubled, jittered};

/// How jobs of one kind are leased and retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a worker holds a job without a sign of life.
    pub lease: Duration,
    /// How many attempts a job has, not counting those that ended with a checkpoint.
    pub attempts: u64,
    /// The longest pause before the second attempt; it doubles with each.
    pub retry_base: Duration,
    /// The longest pause before any attempt.
    pub retry_cap: Duration,
    /// After how long without a worker a message counts as lost; it doubles each time in a row.
    pub redelivery_base: Duration,
    /// The longest time between two messages for one job.
    pub redelivery_cap: Duration,
}

impl Policy {
    /// Sensible for jobs of seconds to minutes: a lease of `lease`, five attempts.
    #[must_use]
    pub const fn with_lease(lease: Duration) -> Self {
        Self {
            lease,
            attempts: 5,
            retry_base: Duration::from_secs(5),
            retry_cap: Duration::from_mins(10),
            redelivery_base: Duration::from_mins(1),
            redelivery_cap: Duration::from_hours(1),
        }
    }

    /// The pause before the next attempt, after `attempts` of them: exponential, with full jitter. `random` is from 0 to 1.
    #[must_use]
    pub fn retry_pause(&self, attempts: u64, random: f64) -> Duration {
        jittered(self.retry_base, attempts.saturating_sub(1), self.retry_cap, random)
    }

    /// How long to wait for a worker before the message is sent again, if it was `redeliveries` times in a row already.
    #[must_use]
    pub fn redelivery_pause(&self, redeliveries: u64) -> Duration {
        doubled(self.redelivery_base, redeliveries, self.redelivery_cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy::with_lease(Duration::from_mins(1));

    #[test]
    fn retries_pause_up_to_5_10_20_seconds_and_at_most_ten_minutes() {
        for (attempts, longest) in [(1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (u64::MAX, 600)] {
            assert_eq!(POLICY.retry_pause(attempts, 1.0), Duration::from_secs(longest), "after {attempts} attempts");
            assert_eq!(POLICY.retry_pause(attempts, 0.0), Duration::ZERO);
        }
    }

    #[test]
    fn a_message_is_sent_again_after_one_two_four_minutes_and_then_every_hour() {
        for (times, seconds) in [(0, 60), (1, 120), (2, 240), (6, 3_600), (400, 3_600)] {
            assert_eq!(POLICY.redelivery_pause(times), Duration::from_secs(seconds));
        }
    }
}
