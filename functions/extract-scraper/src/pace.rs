//! How fast a task wants its pages, where it says so. It comes on top of the hosts' own patience, which holds for all tasks together.

use std::time::Duration;

use extract::{OwnConfig, TaskConfig};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// The longest interval: longer than a function runs. The page after it is the next attempt's.
const LONGEST: Duration = Duration::from_hours(1);

/// The least time between two pages of a task.
pub(crate) struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// What the task asks for: `rate_limit` pages a second.
    pub(crate) fn of(config: &TaskConfig) -> Self {
        let rate = match &config.own {
            OwnConfig::Advanced(own) => own.rate_limit,
            OwnConfig::Simple {} | OwnConfig::Bulk(_) | OwnConfig::Monitoring(_) => None,
        };
        let interval = rate.map_or(Duration::ZERO, |rate| {
            Duration::try_from_secs_f64(1.0 / rate).map_or(LONGEST, |interval| interval.min(LONGEST))
        });
        Self { interval, next: Mutex::new(Instant::now()) }
    }

    /// Waits for the next page's turn.
    pub(crate) async fn turn(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pace(rate: f64) -> Pace {
        let config = json!({"urls": ["https://a.example/"], "selectors": {"t": "h1"}, "rate_limit": rate});
        Pace::of(&TaskConfig::read(extract::TaskType::AdvancedScraping, &config).unwrap())
    }

    #[test]
    fn a_rate_is_an_interval() {
        for (rate, millis) in [(2.0, 500), (10.0, 100), (0.1, 10_000), (1e-300, 3_600_000)] {
            assert_eq!(pace(rate).interval, Duration::from_millis(millis), "{rate}");
        }
        let simple = json!({"urls": ["https://a.example/"], "selectors": {"t": "h1"}});
        let simple = TaskConfig::read(extract::TaskType::SimpleScraping, &simple).unwrap();
        assert_eq!(Pace::of(&simple).interval, Duration::ZERO);
    }

    #[tokio::test]
    async fn pages_wait_for_their_turns() {
        let pace = pace(10.0);
        let began = Instant::now();
        for _ in 0..4 {
            pace.turn().await;
        }
        assert!(began.elapsed() >= Duration::from_millis(300));
    }
}
