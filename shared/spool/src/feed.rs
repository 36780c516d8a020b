//! What waits, on its way to the thread that writes the result.

use std::io;

use jobs::{Results, ResultsError};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// How many rows go to the writer at a time.
const ROWS: usize = 500;

/// The way to a writer, which has a thread of its own. An error tells it that there is more, which cannot be had: without a word it would take what came
/// for all.
pub type ToWriter<T> = mpsc::Sender<io::Result<Vec<T>>>;

/// Sends what the lines of a file say to the writer, as they come. False: nothing is to follow, since it has given up, or has been told that the file cannot
/// be read.
pub async fn feed_file<T: DeserializeOwned>(results: &Results, key: &str, writer: &ToWriter<T>) -> bool {
    let mut file = match results.open(key).await {
        Ok(file) => file,
        Err(error) => return tell(writer, error).await,
    };
    loop {
        let sent = match file.next().await {
            Ok(Some(lines)) => feed_lines(&lines, writer).await,
            Ok(None) => return true,
            Err(error) => return tell(writer, error).await,
        };
        if !sent {
            return false;
        }
    }
}

/// Sends what these lines say to the writer. False: it has given up.
pub async fn feed_lines<T: DeserializeOwned>(lines: &[u8], writer: &ToWriter<T>) -> bool {
    let mut rows = serde_json::Deserializer::from_slice(lines).into_iter::<T>().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(ROWS).collect::<Result<Vec<_>, _>>().map_err(io::Error::from);
        if writer.send(some).await.is_err() {
            return false;
        }
    }
    true
}

/// Tells the writer that what it waits for cannot be had.
async fn tell<T>(writer: &ToWriter<T>, error: ResultsError) -> bool {
    // Whatever else it has against the file, it says itself.
    let _ = writer.send(Err(io::Error::other(error))).await;
    false
}
