//! A job's files: parts on the way, one in each form at the end. Each has the attempt's fencing token in its name: no two attempts write one file.

use futures::future::try_join_all;
use jobs::{Results, StoreError};
use portals::{JobFile, PortalJob};
use recipes::Recipe;
use spool::{Stored, store_rows};

use crate::memory::Memory;

/// Puts the rows in memory into a part: what was had is kept from then on, whatever becomes of this worker.
pub(crate) async fn store_part(
    results: &Results,
    job: &PortalJob,
    token: u64,
    memory: &mut Memory,
) -> anyhow::Result<()> {
    let mut part = None;
    if !memory.rows_in_memory().is_empty() {
        let name = format!("{token}-{}", memory.parts().len());
        results.store(&part_key(job, &name), memory.rows_in_memory().to_vec(), "application/jsonl").await?;
        part = Some(name);
    }
    memory.stored(part);
    Ok(())
}

/// Writes all records in each form that the recipe wants, at once; gives the files, and what there is to know of them.
pub(crate) async fn store(
    results: &Results,
    job: &PortalJob,
    token: u64,
    recipe: &Recipe,
    memory: &Memory,
) -> Result<(Vec<JobFile>, Vec<String>), StoreError> {
    let parts = part_keys(job, memory.parts());
    let (columns, name) = (recipe.names().map(str::to_owned).collect::<Vec<_>>(), recipe.file.name.as_str());
    let stored = recipe.file.formats.iter().map(async |format| {
        let key = format!("{}{token}.{}", job.files_prefix(), format.extension());
        let Stored { key, bytes, notes } =
            Box::pin(store_rows(results, &key, (*format, columns.clone()), &parts, memory.rows_in_memory())).await?;
        Ok::<_, StoreError>((JobFile { name: format!("{name}.{}", format.extension()), key, bytes }, notes))
    });
    let (files, notes): (Vec<_>, Vec<Vec<_>>) = try_join_all(stored).await?.into_iter().unzip();
    Ok((files, notes.into_iter().flatten().collect()))
}

/// The keys of the files that an attempt writes at the end.
pub(crate) fn result_keys(job: &PortalJob, token: u64, recipe: &Recipe) -> Vec<String> {
    let prefix = job.files_prefix();
    recipe.file.formats.iter().map(|format| format!("{prefix}{token}.{}", format.extension())).collect()
}

/// The keys of parts.
pub(crate) fn part_keys(job: &PortalJob, parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| part_key(job, part)).collect()
}

fn part_key(job: &PortalJob, part: &str) -> String {
    format!("{}{part}.part", job.files_prefix())
}
