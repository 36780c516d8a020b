//! How long what has failed rests: exponential, capped, and with full jitter where many would else come back at once
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).

use std::time::Duration;

/// `base` doubled so many times, at most `cap`.
#[must_use]
pub fn doubled(base: Duration, times: u64, cap: Duration) -> Duration {
    let factor = u32::try_from(times).ok().and_then(|times| 2_u32.checked_pow(times)).unwrap_or(u32::MAX);
    base.saturating_mul(factor).min(cap)
}

/// A part of [`doubled`]: `random` of it, which is from 0 to 1.
#[must_use]
pub fn jittered(base: Duration, times: u64, cap: Duration, random: f64) -> Duration {
    doubled(base, times, cap).mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap() {
        let (base, cap) = (Duration::from_secs(30), Duration::from_hours(1));
        for (times, seconds) in [(0, 30), (1, 60), (2, 120), (6, 1_920), (7, 3_600), (400, 3_600), (u64::MAX, 3_600)] {
            assert_eq!(doubled(base, times, cap), Duration::from_secs(seconds), "{times}");
            assert_eq!(jittered(base, times, cap, 1.0), Duration::from_secs(seconds));
            assert_eq!(jittered(base, times, cap, 0.0), Duration::ZERO);
        }
    }
}
