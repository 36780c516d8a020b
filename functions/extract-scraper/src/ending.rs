//! How an attempt ends a job for good: with its file, or without one.

use jobs::{Level, Lines, Lost, Run};
use spool::{Stored, discard};

use crate::App;
use crate::harvest::LARGEST_RESULT;

/// A job that ends well.
pub(crate) struct Done {
    /// Its file.
    pub(crate) stored: Stored,
    /// What its owner should know of what is missing.
    pub(crate) complaint: Option<String>,
    /// The compute units that it has used.
    pub(crate) units: u64,
    /// The last line of its log.
    pub(crate) told: String,
}

/// What is told of a job that has found more than a result may hold.
pub(crate) fn too_large() -> String {
    format!("The result is larger than {} MiB: take fewer pages or fields", LARGEST_RESULT >> 20)
}

/// Ends a job well.
pub(crate) async fn complete(app: &App, run: Run, done: Done, mut lines: Lines) -> Result<(), Lost> {
    let Done { stored, complaint, units, told } = done;
    stored.tell(&mut lines);
    let lines = lines.with(Level::Info, "end", told);
    let ended = run.complete(&stored.key, stored.bytes, complaint.as_deref(), units, lines).await;
    if let Err(Lost::Superseded(_)) = &ended {
        // Nobody else knows of this file: what it is of may even be gone.
        discard(&app.results, &[stored.key]).await;
    }
    ended
}

/// Ends a job badly, having used so many units.
pub(crate) async fn fail(run: Run, reason: &str, units: u64, lines: Lines) -> Result<(), Lost> {
    run.fail(reason, units, lines.with(Level::Error, "end", format!("Failed: {reason}"))).await
}
