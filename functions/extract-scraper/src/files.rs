//! A task's files: parts on the way, one result at the end. No more of either is in memory than a part.

use std::io::{self, Write};

use jobs::{Results, ResultsError, StoreError};
use scraping::Selectors;
use scraping::export::columns;
use spool::{Stored, store_rows};
use tokio::sync::mpsc;

use crate::harvest::Harvest;
use crate::portion::Portion;

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
    let parts = part_keys(portion, harvest.parts());
    let rows = harvest.rows_in_memory();
    let (stored, _) = Box::pin(store_rows(results, &key, (format, columns), &parts, rows, |_| Ok(()))).await?;
    Ok(stored)
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

/// The keys of parts.
pub(crate) fn part_keys(portion: &Portion, parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| part_key(portion, part)).collect()
}

fn part_key(portion: &Portion, part: &str) -> String {
    format!("{}{part}.part", portion.files)
}
