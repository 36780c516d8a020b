//! Keeping a job while some work is done that may take longer than its lease.

use std::time::Duration;

use lease::Lost;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::run::{Progress, Run};

/// A run that is renewed while work goes on; the work may record steps by it itself.
#[derive(Debug)]
pub struct Kept {
    token: u64,
    run: Mutex<Run>,
}

impl Kept {
    /// Keeps a run.
    #[must_use]
    pub fn new(run: Run) -> Self {
        Self { token: run.token(), run: Mutex::new(run) }
    }

    /// The run's token ([`Run::token`]).
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.token
    }

    /// The run, to be ended.
    #[must_use]
    pub fn into_inner(self) -> Run {
        self.run.into_inner()
    }

    /// The run, to record a step by. It is not renewed meanwhile.
    pub async fn hold(&self) -> MutexGuard<'_, Run> {
        self.run.lock().await
    }

    /// Waits for some work, renewing the run each `pause`, so that one that was cancelled stops then at the latest: the work is dropped. None: it was not
    /// done `until` then, and is dropped too.
    pub async fn during<T>(
        &self,
        progress: Progress,
        pause: Duration,
        until: Instant,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Lost> {
        let renewed = async {
            let mut tick = interval_at(Instant::now() + pause, pause);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                if let Err(lost) = self.hold().await.record(progress, Vec::new()).await {
                    return lost;
                }
            }
        };
        tokio::select! {
            done = work => Ok(Some(done)),
            lost = renewed => Err(lost),
            () = sleep_until(until) => Ok(None),
        }
    }
}
