//! The result, once it is stored.

use std::io;

use jobs::{Level, Lines, Results, StoreError};
use scraping::export::Row;
use scraping::{Format, RowWriter};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::feed::{ToWriter, feed_file, feed_lines};

/// A result that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What its owner should know of it.
    pub notes: Vec<String>,
}

/// Why an attempt has no result in the end.
#[derive(Debug, Error)]
pub enum Unstored {
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

impl Stored {
    /// Tells the owner what there is to know.
    pub fn tell(&self, lines: &mut Lines) {
        for note in &self.notes {
            lines.say(Level::Warning, "result", note);
        }
    }
}

/// Writes rows to a file of a form: those of the part files, in their order, then those in memory. There is a file once all are in it, and `judge` has
/// found no fault with any. Gives how many there are, too.
pub async fn store_rows(
    results: &Results,
    key: &str,
    (format, columns): (Format, Vec<String>),
    parts: &[String],
    in_memory: &[u8],
    mut judge: impl FnMut(&Row) -> io::Result<()> + Send + 'static,
) -> Result<(Stored, u64), StoreError> {
    let (sender, mut rows) = mpsc::channel::<io::Result<Vec<Row>>>(1);
    let storing = results.store_written(key, format.content_type(), move |file| {
        let mut file = RowWriter::new(format, columns, file)?;
        let mut written = 0_u64;
        while let Some(rows) = rows.blocking_recv() {
            for row in rows? {
                judge(&row)?;
                file.write(&row)?;
                written += 1;
            }
        }
        Ok((file.finish()?.notes, written))
    });
    let ((), stored) = tokio::join!(feed(results, parts, in_memory, sender), storing);
    let ((notes, rows), bytes) = stored?;
    Ok((Stored { key: key.to_owned(), bytes, notes }, rows))
}

async fn feed(results: &Results, parts: &[String], in_memory: &[u8], writer: ToWriter<Row>) {
    for part in parts {
        if !feed_file(results, part, &writer).await {
            return;
        }
    }
    feed_lines(in_memory, &writer).await;
}

/// What came of storing a result, for as long as there was time.
pub fn stored<T>(came: Option<Result<T, StoreError>>) -> Result<T, Unstored> {
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

/// Deletes files that nobody will ask for. If that fails they go with their job.
pub async fn discard(results: &Results, keys: &[String]) {
    if let Err(error) = results.delete_these(keys).await {
        tracing::warn!(%error, files = keys.len(), first = keys.first(), "files were not deleted");
    }
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
