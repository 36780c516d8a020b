//! How long to go on with what fails: exponential backoff with full jitter, or what Drive asks for, a bounded number of times and until a moment.

use std::time::Duration;

use lease::backoff::jittered;
use tokio::time::Instant;

use crate::client::Settings;
use crate::fault::Fault;

/// The longest pause between two tries, where Drive asks for none.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);

/// What is left of our patience with one piece of work.
pub(crate) struct Patience {
    tries: u32,
    base: Duration,
    failures: u32,
    until: Instant,
}

impl Patience {
    pub(crate) fn new(settings: &Settings, time_limit: Duration) -> Self {
        Self { tries: settings.tries, base: settings.backoff, failures: 0, until: Instant::now() + time_limit }
    }

    /// Something went forward.
    pub(crate) const fn restore(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try; gives the fault back if there is to be none.
    pub(crate) async fn pause_after(&mut self, fault: Fault) -> Result<(), Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        let pause = self.pause(&fault, left, fastrand::f64()).ok_or_else(|| fault.clone())?;
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(%fault, pause_ms, "asking Google Drive again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// How long to wait after one failure more, with so much time left; `random` is from 0 to 1.
    fn pause(&mut self, fault: &Fault, left: Duration, random: f64) -> Option<Duration> {
        self.failures += 1;
        if !fault.asks_for_patience() || self.failures >= self.tries {
            return None;
        }
        let backoff = jittered(self.base, u64::from(self.failures - 1), LONGEST_PAUSE, random);
        // A wait that was asked for is kept to, whatever the jitter.
        let pause = fault.wait().unwrap_or_default().max(backoff);
        (pause < left).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_hours(1);

    fn patience() -> Patience {
        Patience::new(&Settings { tries: 4, backoff: SECOND, ..Settings::new("http://127.0.0.1") }, HOUR)
    }

    #[test]
    fn what_may_pass_is_waited_for_longer_each_time_and_not_for_ever() {
        let mut patience = patience();
        let mut pauses = || [0; 4].map(|_| patience.pause(&Fault::Down(503), HOUR, 1.0).map(|pause| pause.as_secs()));
        assert_eq!(pauses(), [Some(1), Some(2), Some(4), None]);
        patience.restore();
        assert_eq!(patience.pause(&Fault::Busy(None), HOUR, 0.5), Some(SECOND / 2));
    }

    #[test]
    fn what_will_not_pass_is_not_waited_for() {
        for fault in [Fault::Unauthorised, Fault::Missing, Fault::Full("storageQuotaExceeded"), Fault::Refused(400)] {
            assert_eq!(patience().pause(&fault, HOUR, 0.0), None, "{fault}");
        }
    }

    #[test]
    fn drive_says_how_long_unless_there_is_not_so_much_time() {
        let busy = Fault::Busy(Some(40 * SECOND));
        assert_eq!(patience().pause(&busy, HOUR, 0.0), Some(40 * SECOND));
        assert_eq!(patience().pause(&busy, 40 * SECOND, 0.0), None);
        assert_eq!(patience().pause(&Fault::Down(500), SECOND / 2, 1.0), None);
    }
}
