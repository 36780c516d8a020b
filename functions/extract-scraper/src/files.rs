//! A task's files: parts on the way, one result at the end. No more of either is in memory than a part.

use std::io::{self, Write};

use jobs::{Level, Results, ResultsError, StoreError};
use scraping::export::{Row, columns};
use scraping::{RowWriter, Selectors};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::harvest::Harvest;
use crate::lines::Lines;
use crate::portion::Portion;

/// How many rows go to the writer at a time.
const ROWS: usize = 500;

/// The way to a writer, which has a thread of its own.
pub(crate) type ToWriter<T> = mpsc::Sender<io::Result<Vec<T>>>;

/// A result that is stored.
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    /// What its owner should know of it.
    pub(crate) notes: Vec<String>,
}

/// Puts the rows in memory into a part. Its name carries the attempt's token: no two attempts write one file.
pub(crate) async fn store_part(
    results: &Results,
    portion: &Portion,
    token: u64,
    harvest: &mut Harvest,
) -> anyhow::Result<()> {
    let rows = harvest.take_rows();
    if !rows.is_empty() {
        let part = format!("{token}-{}", harvest.parts().len());
        results.store(&part_key(portion, &part), rows, "application/jsonl").await?;
        harvest.stored(part);
    }
    Ok(())
}

/// Writes all that was taken, in its order: of a task into the file that was asked for, of a batch as lines, as they are.
pub(crate) async fn store(
    results: &Results,
    portion: &Portion,
    token: u64,
    selectors: &Selectors,
    harvest: &Harvest,
) -> Result<Stored, StoreError> {
    if portion.batch.is_some() {
        Box::pin(store_pieces(results, portion, token, harvest)).await
    } else {
        Box::pin(store_result(results, portion, token, selectors, harvest)).await
    }
}

async fn store_result(
    results: &Results,
    portion: &Portion,
    token: u64,
    selectors: &Selectors,
    harvest: &Harvest,
) -> Result<Stored, StoreError> {
    let format = portion.config.pages.output_format;
    let columns = columns(selectors.fields(), portion.config.pages.include_metadata);
    let key = format!("{}{token}.{}", portion.files, format.extension());
    let (sender, mut rows) = mpsc::channel::<io::Result<Vec<Row>>>(1);
    let storing = results.store_written(&key, format.content_type(), move |file| {
        let mut file = RowWriter::new(format, columns, file)?;
        while let Some(rows) = rows.blocking_recv() {
            rows?.iter().try_for_each(|row| file.write(row))?;
        }
        Ok(file.finish()?.notes)
    });
    let ((), stored) = tokio::join!(feed(results, portion, harvest, sender), storing);
    let (notes, bytes) = stored?;
    Ok(Stored { key, bytes, notes })
}

async fn store_pieces(
    results: &Results,
    portion: &Portion,
    token: u64,
    harvest: &Harvest,
) -> Result<Stored, StoreError> {
    let key = format!("{}{token}.jsonl", portion.files);
    let (sender, mut pieces) = mpsc::channel::<io::Result<Vec<u8>>>(1);
    let storing = results.store_written(&key, "application/jsonl", move |file| {
        while let Some(lines) = pieces.blocking_recv() {
            file.write_all(&lines?)?;
        }
        Ok(())
    });
    let ((), stored) = tokio::join!(copy(results, portion, harvest, sender), storing);
    let ((), bytes) = stored?;
    Ok(Stored { key, bytes, notes: Vec::new() })
}

/// Sends all lines to the writer, or why they cannot be had.
async fn copy(results: &Results, portion: &Portion, harvest: &Harvest, writer: mpsc::Sender<io::Result<Vec<u8>>>) {
    for part in harvest.parts() {
        let copied = async {
            let mut file = results.open(&part_key(portion, part)).await?;
            while let Some(lines) = file.next().await? {
                if writer.send(Ok(lines)).await.is_err() {
                    break;
                }
            }
            Ok::<_, ResultsError>(())
        };
        if let Err(error) = copied.await {
            // Whatever else the writer has against it, it says itself.
            let _ = writer.send(Err(io::Error::other(error))).await;
            return;
        }
    }
    let _ = writer.send(Ok(harvest.rows_in_memory().to_vec())).await;
}

/// Sends all rows to the writer, or why they cannot be had: without a word it would take what came for all.
async fn feed(results: &Results, portion: &Portion, harvest: &Harvest, writer: ToWriter<Row>) {
    for part in harvest.parts() {
        if !feed_file(results, &part_key(portion, part), &writer).await {
            return;
        }
    }
    feed_lines(harvest.rows_in_memory(), &writer).await;
}

/// Sends what the lines of a file say to the writer, as they come. False: it has given up, and says why itself.
pub(crate) async fn feed_file<T: DeserializeOwned>(results: &Results, key: &str, writer: &ToWriter<T>) -> bool {
    let mut file = match results.open(key).await {
        Ok(file) => file,
        Err(error) => return writer.send(Err(io::Error::other(error))).await.is_ok(),
    };
    loop {
        let sent = match file.next().await {
            Ok(Some(lines)) => feed_lines(&lines, writer).await,
            Ok(None) => return true,
            Err(error) => return writer.send(Err(io::Error::other(error))).await.is_ok(),
        };
        if !sent {
            return false;
        }
    }
}

async fn feed_lines<T: DeserializeOwned>(lines: &[u8], writer: &ToWriter<T>) -> bool {
    let mut rows = serde_json::Deserializer::from_slice(lines).into_iter::<T>().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(ROWS).collect::<Result<Vec<_>, _>>().map_err(io::Error::from);
        if writer.send(some).await.is_err() {
            return false;
        }
    }
    true
}

/// Deletes files that nobody will ask for. If that fails they go with their task.
pub(crate) async fn discard(results: &Results, keys: &[String]) {
    if let Err(error) = results.delete_these(keys).await {
        tracing::warn!(%error, files = keys.len(), first = keys.first(), "files were not deleted");
    }
}

/// The keys of parts.
pub(crate) fn part_keys(portion: &Portion, parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| part_key(portion, part)).collect()
}

fn part_key(portion: &Portion, part: &str) -> String {
    format!("{}{part}.part", portion.files)
}

impl Stored {
    /// Tells the owner what there is to know.
    pub(crate) fn tell(&self, lines: &mut Lines) {
        for note in &self.notes {
            lines.say(Level::Warning, "result", note);
        }
    }
}
