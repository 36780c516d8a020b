//! How long a page may take, and how often it is tried.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::error::{Fault, FetchError};

/// How often a page is tried again.
const RETRIES: usize = 2;
/// The longest that a server can make us wait by Retry-After.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The time that a page may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    allowed: Duration,
    deadline: Instant,
}

impl Budget {
    fn new(allowed: Duration) -> Self {
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

/// The attempts at one page, which share its time.
#[derive(Debug)]
pub struct Attempts {
    budget: Budget,
    backoff: ExponentialBackoff,
}

impl Attempts {
    /// Attempts that may take this long together, waiting for others left out.
    #[must_use]
    pub fn new(allowed: Duration) -> Self {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_jitter()
            .with_max_times(RETRIES);
        Self { budget: Budget::new(allowed), backoff: backoff.build() }
    }

    /// The time that is left.
    pub const fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// Waits until the next attempt is due; gives the error back if there is none, because this fault will not pass, or not in time.
    pub async fn pause_after(&mut self, error: FetchError) -> Result<(), FetchError> {
        if !error.is_worth_retrying() {
            return Err(error);
        }
        let Some(pause) = self.backoff.next() else { return Err(error) };
        let asked = error.retry_after().unwrap_or_default();
        let pause = pause.max(asked);
        if asked > MAX_RETRY_AFTER || pause >= self.budget.left() {
            return Err(error);
        }
        tracing::debug!(url = %error.url, fault = %error.fault, pause_ms = pause.as_millis(), "fetching again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
