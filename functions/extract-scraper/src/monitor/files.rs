//! A monitor's files, by generation (the fencing token of the attempt that wrote them): what it knows; that as its owner downloads it; and the
//! pages of a check that is under way.

use extract::Task;
use jobs::{Results, ResultsError, StoreError};
use scraping::export::{Row, columns};
use scraping::{RowWriter, Selectors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spool::Stored;

use super::watched::{Change, Seen, Watched};

/// The files of one task.
#[derive(Clone, Copy)]
pub(crate) struct Files<'a> {
    pub(crate) results: &'a Results,
    pub(crate) task: &'a Task,
}

impl Files<'_> {
    /// Stores what is known, and gives the file that its owner downloads.
    pub(crate) async fn store(
        &self,
        files: u64,
        watched: &Watched,
        selectors: &Selectors,
    ) -> Result<Stored, StoreError> {
        let columns = columns(selectors.fields(), self.task.config.pages.include_metadata);
        let values = watched.rows().cloned().collect();
        let changes = watched.changes.iter().map(Change::row).collect();
        let [watched_key, key, changes_key] = self.keys(files);
        let history = Change::COLUMNS.map(str::to_owned).to_vec();
        let (known, changes, values) = tokio::join!(
            self.put(&watched_key, watched),
            self.write(&changes_key, history, changes),
            self.write(&key, columns, values)
        );
        known?;
        changes?;
        let (notes, bytes) = values?;
        Ok(Stored { key, bytes, notes })
    }

    /// What is known.
    pub(crate) async fn watched(&self, files: Option<u64>) -> anyhow::Result<Watched> {
        match files {
            Some(files) => self.get(&self.watched_key(files)).await,
            None => Ok(Watched::default()),
        }
    }

    /// Stores the pages of a check that are done.
    pub(crate) async fn store_seen(&self, token: u64, seen: &[Seen]) -> Result<(), ResultsError> {
        self.put(&self.seen_key(token), seen).await
    }

    /// The pages of a check that were done by the attempt of this token.
    pub(crate) async fn seen(&self, token: Option<u64>) -> anyhow::Result<Vec<Seen>> {
        match token {
            Some(token) => self.get(&self.seen_key(token)).await,
            None => Ok(Vec::new()),
        }
    }

    /// The keys of a generation.
    pub(crate) fn keys(&self, files: u64) -> [String; 3] {
        [self.watched_key(files), self.values_key(files), self.changes_key(files)]
    }

    /// The file that its owner downloads.
    pub(crate) fn values_key(&self, files: u64) -> String {
        self.key(files, &format!(".{}", self.task.config.pages.output_format.extension()))
    }

    /// The key of the pages that an attempt has done.
    pub(crate) fn seen_key(&self, token: u64) -> String {
        self.key(token, ".part")
    }

    fn changes_key(&self, files: u64) -> String {
        Task::changes_key(&self.values_key(files))
    }

    fn watched_key(&self, files: u64) -> String {
        self.key(files, ".watched")
    }

    fn key(&self, number: u64, rest: &str) -> String {
        format!("{}{number}{rest}", self.task.results_prefix())
    }

    async fn write(&self, key: &str, columns: Vec<String>, rows: Vec<Row>) -> Result<(Vec<String>, u64), StoreError> {
        let format = self.task.config.pages.output_format;
        let storing = self.results.store_written(key, format.content_type(), move |file| {
            let mut file = RowWriter::new(format, columns, file)?;
            rows.iter().try_for_each(|row| file.write(row))?;
            Ok(file.finish()?.notes)
        });
        storing.await
    }

    async fn put(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), ResultsError> {
        // Of such values, into memory, none fails.
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.results.store(key, bytes, "application/json").await
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> anyhow::Result<T> {
        Ok(serde_json::from_slice(&self.results.read(key).await?)?)
    }
}
