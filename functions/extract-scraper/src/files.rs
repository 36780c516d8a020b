//! A task's files: parts on the way, one result at the end. No more of either is in memory than a part.

use std::io;

use extract::Task;
use jobs::{Level, Results, StoreError};
use scraping::export::{Row, columns};
use scraping::{RowWriter, Selectors};
use tokio::sync::mpsc;

use crate::harvest::Harvest;
use crate::lines::Lines;

/// How many rows go to the writer at a time.
const ROWS: usize = 500;

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
    task: &Task,
    token: u64,
    harvest: &mut Harvest,
) -> anyhow::Result<()> {
    let rows = harvest.take_rows();
    if !rows.is_empty() {
        let part = format!("{token}-{}", harvest.parts().len());
        results.store(&part_key(task, &part), rows, "application/jsonl").await?;
        harvest.stored(part);
    }
    Ok(())
}

/// Writes all rows, in their order, into the file that was asked for.
pub(crate) async fn store_result(
    results: &Results,
    task: &Task,
    token: u64,
    selectors: &Selectors,
    harvest: &Harvest,
) -> Result<Stored, StoreError> {
    let format = task.config.pages.output_format;
    let columns = columns(selectors.fields(), task.config.pages.include_metadata);
    let key = format!("{}{token}.{}", task.results_prefix(), format.extension());
    let (sender, mut rows) = mpsc::channel::<io::Result<Vec<Row>>>(1);
    let storing = results.store_written(&key, format.content_type(), move |file| {
        let mut file = RowWriter::new(format, columns, file)?;
        while let Some(rows) = rows.blocking_recv() {
            rows?.iter().try_for_each(|row| file.write(row))?;
        }
        Ok(file.finish()?.notes)
    });
    let ((), stored) = tokio::join!(feed(results, task, harvest, sender), storing);
    let (notes, bytes) = stored?;
    Ok(Stored { key, bytes, notes })
}

/// Sends all rows to the writer, or why they cannot be had: without a word it would take what came for all.
async fn feed(results: &Results, task: &Task, harvest: &Harvest, writer: mpsc::Sender<io::Result<Vec<Row>>>) {
    for part in harvest.parts() {
        let sent = match results.read(&part_key(task, part)).await {
            Ok(lines) => feed_lines(&lines, &writer).await,
            Err(error) => writer.send(Err(io::Error::other(error))).await.is_ok(),
        };
        if !sent {
            // The writer has given up, and says why itself.
            return;
        }
    }
    feed_lines(harvest.rows_in_memory(), &writer).await;
}

async fn feed_lines(lines: &[u8], writer: &mpsc::Sender<io::Result<Vec<Row>>>) -> bool {
    let mut rows = serde_json::Deserializer::from_slice(lines).into_iter::<Row>().peekable();
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
pub(crate) fn part_keys(task: &Task, parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| part_key(task, part)).collect()
}

fn part_key(task: &Task, part: &str) -> String {
    format!("{}{part}.part", task.results_prefix())
}

impl Stored {
    /// Tells the owner what there is to know.
    pub(crate) fn tell(&self, lines: &mut Lines) {
        for note in &self.notes {
            lines.say(Level::Warning, "result", note);
        }
    }
}
