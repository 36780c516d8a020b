//! How long a page may take, and how often it is tried.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::error::{Fault, FetchError};

/// The longest that a server can make us wait by Retry-After, where all attempts at a page share its time.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// The same, where each attempt has a time of its own; and the longest pause between two of them that is not asked for.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How often a page is tried again that could not be had, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retries {
    /// So often, all attempts together within the page's time; after faults that may pass at once.
    Within(usize),
    /// So often, each attempt with the page's time for itself; after whatever may be otherwise some time later, also where the time was used up or the
    /// server failed.
    Each(usize),
}

impl Default for Retries {
    fn default() -> Self {
        Self::Within(2)
    }
}

/// The time that a page may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    allowed: Duration,
    deadline: Instant,
}

impl Budget {
    pub(super) fn new(allowed: Duration) -> Self {
        Self { allowed, deadline: Instant::now() + allowed }
    }

    /// How long the page may take in all, waiting for others left out.
    #[must_use]
    pub const fn allowed(&self) -> Duration {
        self.allowed
    }

    /// When the time is used up, as it stands now.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Gives back the time that was spent waiting for others.
    pub(crate) fn extend(&mut self, waited: Duration) {
        self.deadline += waited;
    }

    pub(crate) async fn limit<F: Future>(&self, work: F) -> Result<F::Output, Fault> {
        tokio::time::timeout_at(self.deadline, work).await.map_err(|_| Fault::Timeout(self.allowed))
    }
}

/// The attempts at one page.
#[derive(Debug)]
pub struct Attempts {
    budget: Budget,
    backoff: ExponentialBackoff,
    retries: Retries,
}

impl Attempts {
    /// Attempts that may take this long, together or each, waiting for others left out.
    #[must_use]
    pub fn new(allowed: Duration, retries: Retries) -> Self {
        let (Retries::Within(times) | Retries::Each(times)) = retries;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(MAX_PAUSE)
            .with_jitter()
            .with_max_times(times);
        Self { budget: Budget::new(allowed), backoff: backoff.build(), retries }
    }

    /// The time that is left.
    pub const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// Waits until the next attempt is due; gives the error back if there is none, because this fault will not pass, or not in time.
    pub async fn pause_after(&mut self, error: FetchError) -> Result<(), FetchError> {
        let asked = error.retry_after().unwrap_or_default();
        let (may_pass, longest) = match self.retries {
            Retries::Within(_) => (error.is_worth_retrying(), MAX_RETRY_AFTER),
            Retries::Each(_) => (error.is_transient() || error.is_of_the_server(), MAX_PAUSE),
        };
        if !may_pass || asked > longest {
            return Err(error);
        }
        let Some(pause) = self.backoff.next() else { return Err(error) };
        let pause = pause.max(asked);
        if matches!(self.retries, Retries::Within(_)) && pause >= self.budget.left() {
            return Err(error);
        }
        tracing::debug!(url = %error.url, fault = %error.fault, pause_ms = pause.as_millis(), "fetching again");
        tokio::time::sleep(pause).await;
        if matches!(self.retries, Retries::Each(_)) {
            self.budget = Budget::new(self.budget.allowed);
        }
        Ok(())
    }
}
