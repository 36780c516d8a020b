//! When a delivery that failed is tried again. Pure.

use std::time::Duration;

use lease::backoff::jittered;
use table::Millis;

/// The longest pause between two attempts, whoever wants it: also the longest that an endpoint's `Retry-After` is heeded.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
/// For how long a delivery is tried. The last attempt is at its end.
pub(crate) const TRIED_FOR: Duration = Duration::from_hours(24);

/// How soon failed deliveries are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The longest pause before the second attempt; it doubles with each.
    pub base: Duration,
}

impl Schedule {
    /// When to try again what has failed for the `attempts`th time; none if it is given up. The pause is exponential with full jitter, and
    /// no shorter than the endpoint has asked for. `random` is from 0 to 1.
    #[must_use]
    pub fn next_attempt(
        &self,
        attempts: u64,
        now: Millis,
        give_up_at: Millis,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Millis> {
        if now >= give_up_at {
            return None;
        }
        let pause = jittered(self.base, attempts.saturating_sub(1), LONGEST_PAUSE, random);
        let asked = asked.unwrap_or_default().min(LONGEST_PAUSE);
        Some(now.after(pause.max(asked)).min(give_up_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule { base: Duration::from_secs(10) };
    const BEGUN: Millis = Millis(1_000_000);

    fn pause(attempts: u64, asked: Option<u64>, random: f64) -> Option<Duration> {
        let end = BEGUN.after(TRIED_FOR);
        let next = SCHEDULE.next_attempt(attempts, BEGUN, end, asked.map(Duration::from_secs), random);
        next.map(|at| BEGUN.until(at))
    }

    #[test]
    fn pauses_double_from_ten_seconds_to_six_hours_with_full_jitter() {
        for (attempts, longest) in
            [(1, 10), (2, 20), (3, 40), (11, 10_240), (12, 20_480), (13, 21_600), (u64::MAX, 21_600)]
        {
            assert_eq!(pause(attempts, None, 1.0), Some(Duration::from_secs(longest)), "{attempts}");
            assert_eq!(pause(attempts, None, 0.0), Some(Duration::ZERO), "{attempts}");
        }
    }

    #[test]
    fn an_endpoint_may_ask_for_more_and_not_for_less_within_bounds() {
        for (asked, seconds) in [(0, 5), (4, 5), (60, 60), (21_600, 21_600), (86_400 * 365, 21_600), (u64::MAX, 21_600)]
        {
            assert_eq!(pause(1, Some(asked), 0.5), Some(Duration::from_secs(seconds)), "{asked}");
        }
    }

    #[test]
    fn the_last_attempt_is_at_the_end_of_the_day() {
        let end = BEGUN.after(TRIED_FOR);
        let late = Millis(end.0 - 1_000);
        assert_eq!(SCHEDULE.next_attempt(13, late, end, None, 1.0), Some(end));
        assert_eq!(SCHEDULE.next_attempt(13, end, end, None, 1.0), None);
        assert_eq!(SCHEDULE.next_attempt(1, end.after(Duration::from_secs(1)), end, None, 0.0), None);
    }

    #[test]
    fn a_delivery_that_always_fails_is_tried_some_twenty_times_in_its_day() {
        fastrand::seed(7);
        for _ in 0..200 {
            let (mut now, end, mut attempts) = (BEGUN, BEGUN.after(TRIED_FOR), 1_u64);
            while let Some(next) = SCHEDULE.next_attempt(attempts, now, end, None, fastrand::f64()) {
                (now, attempts) = (next, attempts + 1);
            }
            assert_eq!(now, end);
            assert!((12..=60).contains(&attempts), "{attempts}");
        }
    }
}
