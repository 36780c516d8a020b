//! Whether the scheduler runs: it writes down each time that it has.

use std::time::Duration;

use serde::Deserialize;
use table::{Key, Millis, TableError, Update};

use crate::store::VideoJobs;

/// How long the scheduler may be silent: it runs every minute.
const SILENCE: Duration = Duration::from_mins(3);

#[derive(Deserialize)]
struct Heartbeat {
    ran_at: Millis,
}

fn key() -> Key {
    Key::new("SCHEDULER", "HEARTBEAT")
}

impl VideoJobs {
    /// Writes down that the scheduler has run.
    pub async fn beat(&self) -> Result<(), TableError> {
        self.jobs.table.update(&key(), Update::new().set("ran_at", self.jobs.clock.now())).await?;
        Ok(())
    }

    /// Whether the scheduler has run of late.
    pub async fn scheduler_runs(&self) -> Result<bool, TableError> {
        let last: Option<Heartbeat> = self.jobs.table.get_stale(&key()).await?;
        Ok(last.is_some_and(|last| last.ran_at.until(self.jobs.clock.now()) <= SILENCE))
    }
}
