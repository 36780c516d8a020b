//! What a failure does to a credential: pure.

use std::time::Duration;

use crate::platform::PoolPolicy;

/// What becomes of a credential that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is failed until an administrator resets it.
    Failed,
    /// It rests so long.
    Cooldown(Duration),
}

impl Verdict {
    /// What becomes of a credential that has failed `consecutive` times in a row with this one, where the caller asks for a cooldown of
    /// `asked_minutes` (0: none, for the failure is for good).
    ///
    /// The cooldown is what the caller asks for, or the pool's doubled base if that is longer.
    #[must_use]
    pub fn after_failure(policy: &PoolPolicy, consecutive: u64, asked_minutes: u64) -> Self {
        if asked_minutes == 0 || policy.retire_after.is_some_and(|limit| consecutive >= limit) {
            return Self::Failed;
        }
        let doublings = u32::try_from(consecutive.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 2_u64.checked_pow(doublings).unwrap_or(u64::MAX);
        let escalated = policy.cooldown_base_minutes.saturating_mul(factor).min(policy.cooldown_cap_minutes);
        Self::Cooldown(Duration::from_mins(asked_minutes.max(escalated)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(base: u64, cap: u64, retire_after: Option<u64>) -> PoolPolicy {
        PoolPolicy { cooldown_base_minutes: base, cooldown_cap_minutes: cap, retire_after, ..PoolPolicy::default() }
    }

    #[test]
    fn a_failure_leads_to_what_the_platform_and_the_caller_say() {
        let minutes = |minutes| Verdict::Cooldown(Duration::from_mins(minutes));
        for (base, cap, retire_after, consecutive, asked, verdict) in [
            (0, 1_440, None, 1, 0, Verdict::Failed),
            (0, 1_440, None, 9, 60, minutes(60)),
            (10, 1_440, None, 1, 5, minutes(10)),
            (10, 1_440, None, 3, 5, minutes(40)),
            (10, 60, None, 9, 5, minutes(60)),
            (10, 60, None, 9, 90, minutes(90)),
            (10, 60, None, u64::MAX, 5, minutes(60)),
            (0, 60, Some(3), 2, 5, minutes(5)),
            (0, 60, Some(3), 3, 5, Verdict::Failed),
            (0, 60, Some(3), 4, 5, Verdict::Failed),
        ] {
            let found = Verdict::after_failure(&policy(base, cap, retire_after), consecutive, asked);
            assert_eq!(found, verdict, "{base} {cap} {retire_after:?} {consecutive} {asked}");
        }
    }
}
