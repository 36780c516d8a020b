//! How an attempt ends a job for good: with its file, or without one.

use std::io;

use jobs::{Level, Lost, Run, StoreError};
use thiserror::Error;

use crate::App;
use crate::files::{self, Stored};
use crate::harvest::LARGEST_RESULT;
use crate::lines::Lines;

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

/// Why an attempt has no file in the end.
#[derive(Debug, Error)]
pub(crate) enum Unstored {
    /// It would be larger than a file of its form may be, at each attempt.
    #[error("{0}")]
    TooLarge(io::Error),
    /// Something of our own failed, as the log has it.
    #[error("The result could not be stored")]
    Fault,
    /// The time is up.
    #[error("The result could not be written in the time that one attempt has")]
    OutOfTime,
}

/// What came of storing a file, for as long as there was time.
pub(crate) fn stored<T>(came: Option<Result<T, StoreError>>) -> Result<T, Unstored> {
    match came {
        Some(Ok(stored)) => Ok(stored),
        Some(Err(StoreError::Written(error))) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(Unstored::TooLarge(error))
        }
        Some(Err(error)) => {
            tracing::error!(%error, "the result was not stored");
            Err(Unstored::Fault)
        }
        None => Err(Unstored::OutOfTime),
    }
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
        files::discard(&app.results, &[stored.key]).await;
    }
    ended
}

/// Ends a job badly, having used so many units.
pub(crate) async fn fail(run: Run, reason: &str, units: u64, lines: Lines) -> Result<(), Lost> {
    run.fail(reason, units, lines.with(Level::Error, "end", format!("Failed: {reason}"))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_attempt_could_store_is_given_up() {
        let written = |kind: io::ErrorKind| Some(Err::<(), _>(StoreError::Written(io::Error::from(kind))));
        assert!(stored(Some(Ok(()))).is_ok());
        assert!(matches!(stored(written(io::ErrorKind::FileTooLarge)), Err(Unstored::TooLarge(_))));
        assert!(matches!(stored(written(io::ErrorKind::BrokenPipe)), Err(Unstored::Fault)));
        assert!(matches!(stored::<()>(None), Err(Unstored::OutOfTime)));
    }
}
