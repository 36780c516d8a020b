//! Waiting for as long as something goes on: how fast it does is the machine's affair.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

/// How long nothing at all may come of something, on however slow a machine, and behind however much else.
const STANDSTILL: Duration = Duration::from_mins(10);

/// Notices that something no longer goes on.
#[derive(Debug)]
pub struct Watchdog<T> {
    last: Option<T>,
    since: Instant,
}

impl<T> Default for Watchdog<T> {
    fn default() -> Self {
        Self { last: None, since: Instant::now() }
    }
}

impl<T: Debug + PartialEq> Watchdog<T> {
    /// Sees how far it is; fails if it has been there for ten minutes.
    pub fn see(&mut self, now: T) -> anyhow::Result<()> {
        if self.last.as_ref() != Some(&now) {
            *self = Self { last: Some(now), since: Instant::now() };
        }
        ensure!(self.since.elapsed() < STANDSTILL, "nothing has come of it for {STANDSTILL:?}: {:?}", self.last);
        Ok(())
    }
}
