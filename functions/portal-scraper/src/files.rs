//! A job's files: parts on the way, one in each form at the end. Each has the attempt's fencing token in its name: no two attempts write one file.

use std::io;

use futures::future::try_join_all;
use jobs::{Results, StoreError};
use portals::{JobFile, PortalJob};
use recipes::{Fault, Recipe, ScrapeError, Unique};
use scraping::export::Row;
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

/// The files of a job, and what there is to know of them.
pub(crate) type Files = (Vec<JobFile>, Vec<String>);

/// Writes all records in each form that the recipe wants, at once. What an attempt remembers of records is lost with it: here they all come by again, so here
/// it is seen whether each was kept once. If not, that is the error within.
pub(crate) async fn store(
    results: &Results,
    job: &PortalJob,
    token: u64,
    recipe: &Recipe,
    memory: &Memory,
) -> Result<Result<Files, ScrapeError>, StoreError> {
    let parts = part_keys(job, memory.parts());
    let (columns, name) = (recipe.names().map(str::to_owned).collect::<Vec<_>>(), recipe.file.name.as_str());
    // The forms are written from the same rows: to judge those of one is enough.
    let mut judges = std::iter::once(Some(Unique::of(recipe))).chain(std::iter::repeat_with(|| None));
    let stored = recipe.file.formats.iter().map(|format| {
        let (parts, columns, judge) = (&parts, columns.clone(), judge(judges.next().flatten()));
        async move {
            let key = format!("{}{token}.{}", job.files_prefix(), format.extension());
            let storing = store_rows(results, &key, (*format, columns), parts, memory.rows_in_memory(), judge);
            let (Stored { key, bytes, notes }, rows) = Box::pin(storing).await?;
            Ok::<_, StoreError>((JobFile { name: format!("{name}.{}", format.extension()), key, bytes }, notes, rows))
        }
    });
    match try_join_all(stored).await {
        Ok(stored) => Ok(whole(stored, memory.records())),
        Err(StoreError::Written(error)) => error.downcast().map(Err).map_err(StoreError::Written),
        Err(error) => Err(error),
    }
}

/// Finds fault with a record that comes twice.
fn judge(mut unique: Option<Unique>) -> impl FnMut(&Row) -> io::Result<()> + Send + 'static {
    move |row| match unique.as_mut().map(|unique| unique.note(row)) {
        Some(Err(fault)) => Err(io::Error::other(ScrapeError { place: None, fault })),
        _ => Ok(()),
    }
}

/// The files, if each has as many records as were had.
fn whole(stored: Vec<(JobFile, Vec<String>, u64)>, had: u64) -> Result<Files, ScrapeError> {
    if let Some((_, _, kept)) = stored.iter().find(|(_, _, rows)| *rows != had) {
        return Err(ScrapeError { place: None, fault: Fault::Kept { had, kept: *kept } });
    }
    let (files, notes): (Vec<_>, Vec<_>) = stored.into_iter().map(|(file, notes, _)| (file, notes)).unzip();
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

#[cfg(test)]
mod tests {
    use recipes::{Recipes, Remedy};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_that_was_kept_twice_is_a_reason_to_begin_anew() {
        let mut judge = judge(Some(Unique::of(&Recipes::load().unwrap().of("pwmr").unwrap())));
        let row = |invoice: &str| Row::from_iter([("invoice_no".to_owned(), json!(invoice))]);
        assert!(judge(&row("1")).is_ok() && judge(&row("2")).is_ok());
        let error = judge(&row("1")).unwrap_err().downcast::<ScrapeError>().unwrap();
        assert_eq!(error.remedy(), Remedy::Anew);
    }

    #[test]
    fn files_have_as_many_records_as_were_had() {
        let stored = |rows| {
            let file = |name: &str| JobFile { name: name.to_owned(), key: name.to_owned(), bytes: 1 };
            vec![(file("a.csv"), vec!["a note".to_owned()], 80), (file("a.xlsx"), Vec::new(), rows)]
        };
        let (files, notes) = whole(stored(80), 80).unwrap();
        assert_eq!((files.len(), notes), (2, vec!["a note".to_owned()]));
        let error = whole(stored(79), 80).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.remedy()),
            ("80 records were had, and 79 are kept", Remedy::Anew)
        );
    }
}
