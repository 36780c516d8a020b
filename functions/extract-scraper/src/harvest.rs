//! What has been taken of a task so far: the newest rows in memory, those before them in part files. Pure.

use browser::RenderError;
use extract::TaskConfig;
use jobs::{Level, Line, Lines, Progress};
use serde::{Deserialize, Serialize};
use spool::{MOST_IN_MEMORY, add_line};

use crate::pages::Taken;
use crate::piece::Piece;

/// The largest result, in bytes of rows as JSON.
pub(crate) const LARGEST_RESULT: u64 = 1024 * 1024 * 1024;
/// How many warnings of one page go to the log.
const WARNINGS: usize = 10;

/// What has been taken of a task.
#[derive(Debug)]
pub(crate) struct Harvest {
    /// What a later attempt goes on from, once the rows in memory are in a part.
    done: Done,
    /// What is in no part yet, each a line of JSON: rows, or the pieces of a batch.
    rows: Vec<u8>,
    /// Of a batch: the first of its pages, by its place in the task.
    first_page: Option<usize>,
    /// How many pages were done at the last checkpoint, and when the attempt began.
    checkpointed: usize,
    began: usize,
    /// What a page costs.
    price: u64,
}

/// How far a task has come, in its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    /// How many of the pages are done, from the first on.
    pages: usize,
    /// How many of them could not be had.
    failed: usize,
    /// Why not the first of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_failure: Option<String>,
    /// How many rows were taken.
    rows: u64,
    /// Their bytes as JSON.
    bytes: u64,
    /// The part files that hold them, in their order: names without folder and extension.
    parts: Vec<String>,
}

impl Harvest {
    /// Of a task that begins, or goes on from a checkpoint. A checkpoint that cannot be read, as that of another release, is none.
    pub(crate) fn from_checkpoint(config: &TaskConfig, checkpoint: Option<&str>) -> Self {
        let done: Done = checkpoint
            .and_then(|text| {
                let read = serde_json::from_str(text);
                read.inspect_err(|error| tracing::warn!(%error, "the checkpoint cannot be read: begun anew")).ok()
            })
            .unwrap_or_default();
        let began = done.pages;
        Self { done, rows: Vec::new(), first_page: None, checkpointed: began, began, price: config.source().units() }
    }

    /// The same of a batch, which keeps what it takes as pieces, and counts its pages from this one on.
    pub(crate) fn in_pieces(self, first_page: usize) -> Self {
        Self { first_page: Some(first_page), ..self }
    }

    /// The checkpoint: true once the rows in memory are in a part.
    pub(crate) fn checkpoint(&self) -> String {
        serde_json::json!(self.done).to_string()
    }

    pub(crate) fn add(&mut self, url: &str, outcome: Result<Taken, RenderError>, lines: &mut Lines) {
        let piece = self.first_page.map(|first| first + self.done.pages);
        self.done.pages += 1;
        let taken = match outcome {
            Ok(taken) => taken,
            Err(error) => {
                let message = error.to_string();
                lines.add(Line::new(lines.now(), Level::Error, "fetch", message.clone()).with("url", url));
                self.done.failed += 1;
                if let Some(page) = piece {
                    self.keep(&Piece::failure(page, message.clone()));
                }
                self.done.first_failure.get_or_insert(message);
                return;
            }
        };
        let found = format!("Fetched {url}: {} rows", taken.rows.len());
        let line = Line::new(lines.now(), Level::Info, "fetch", found);
        lines.add(line.with("url", url).with("status", taken.metadata.status).with("rows", taken.rows.len()));
        for warning in taken.warnings.into_iter().take(WARNINGS) {
            lines.add(Line::new(lines.now(), Level::Warning, "extract", format!("{url}: {warning}")).with("url", url));
        }
        self.done.rows += taken.rows.len() as u64;
        match piece {
            Some(page) if taken.rows.is_empty() => self.keep(&Piece::nothing(page)),
            Some(page) => taken.rows.into_iter().for_each(|row| self.keep(&Piece::row(page, row))),
            None => taken.rows.iter().for_each(|row| self.keep(row)),
        }
    }

    /// Keeps a line.
    fn keep(&mut self, line: &impl Serialize) {
        self.done.bytes += add_line(&mut self.rows, line);
    }

    /// Whether memory holds as many rows as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= MOST_IN_MEMORY
    }

    /// Whether a checkpoint would save anything.
    pub(crate) const fn has_news(&self) -> bool {
        self.done.pages > self.checkpointed
    }

    /// The rows in memory.
    pub(crate) fn rows_in_memory(&self) -> &[u8] {
        &self.rows
    }

    /// Takes the rows in memory, to be put into a part.
    pub(crate) fn take_rows(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rows)
    }

    /// Notes that the rows taken are in the part of this name.
    pub(crate) fn stored(&mut self, part: String) {
        self.done.parts.push(part);
    }

    /// Notes that the checkpoint is recorded.
    pub(crate) const fn recorded(&mut self) {
        self.checkpointed = self.done.pages;
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.done.parts
    }

    pub(crate) const fn is_too_large(&self) -> bool {
        self.done.bytes > LARGEST_RESULT
    }

    pub(crate) const fn pages(&self) -> usize {
        self.done.pages
    }

    pub(crate) const fn rows(&self) -> u64 {
        self.done.rows
    }

    /// Whether this attempt has got further than those before it.
    pub(crate) const fn has_advanced(&self) -> bool {
        self.done.pages > self.began
    }

    /// How many pages were had.
    pub(crate) const fn had(&self) -> usize {
        self.done.pages.saturating_sub(self.done.failed)
    }

    /// What the pages cost, but for those that could not be had.
    pub(crate) const fn units(&self) -> u64 {
        self.had() as u64 * self.price
    }

    /// Never quite all: the rest is the writing of the result.
    pub(crate) fn progress(&self, total: usize) -> Progress {
        let percent = (self.done.pages * 100 / total.max(1)).min(99);
        Progress { percent: u8::try_from(percent).unwrap_or(99), units_used: self.units() }
    }

    /// What to say of pages that could not be had. Of a batch: why not the first of them, since its task says how many they are in all.
    pub(crate) fn complaint(&self) -> Option<String> {
        let first = self.done.first_failure.as_ref()?;
        Some(if self.first_page.is_some() {
            first.clone()
        } else {
            complaint(self.done.failed, self.done.pages, first)
        })
    }
}

/// What to say of so many pages that could not be had.
pub(crate) fn complaint(failed: usize, pages: usize, first: &str) -> String {
    match pages {
        1 => first.to_owned(),
        pages => format!("{failed} of {pages} pages failed; the first: {first}"),
    }
}

#[cfg(test)]
mod tests {
    use extract::TaskType;
    use scraping::PageMetadata;
    use serde_json::{Value as Json, json};
    use table::Clock;

    use super::*;

    fn config(kind: TaskType) -> TaskConfig {
        TaskConfig::read(kind, &json!({"urls": ["https://a.example/"], "selectors": {"t": "h1"}})).unwrap()
    }

    fn taken(rows: usize, bytes: usize) -> Taken {
        let row = || match json!({"t": "x".repeat(bytes), "n": 0.1}) {
            Json::Object(row) => row,
            _ => panic!(),
        };
        let metadata =
            PageMetadata { url: String::new(), final_url: String::new(), status: 200, fetched_at: String::new() };
        Taken { metadata, rows: (0..rows).map(|_| row()).collect(), warnings: vec!["w".to_owned(); 20] }
    }

    fn failure(url: &str) -> Result<Taken, RenderError> {
        Err(scraping::FetchError { url: url.to_owned(), fault: scraping::fetch::Fault::TooManyRedirects(5) }.into())
    }

    #[test]
    fn what_was_done_is_known_again_from_the_checkpoint() {
        let (config, mut lines) = (config(TaskType::SimpleScraping), Lines::new(Clock::system()));
        let mut harvest = Harvest::from_checkpoint(&config, None);
        harvest.add("a", Ok(taken(2, 1)), &mut lines);
        harvest.add("b", failure("b"), &mut lines);
        harvest.add("c", failure("c"), &mut lines);
        assert_eq!(harvest.rows_in_memory(), b"{\"t\":\"x\",\"n\":0.1}\n{\"t\":\"x\",\"n\":0.1}\n");
        assert_eq!((harvest.pages(), harvest.rows(), harvest.units()), (3, 2, 1));
        assert_eq!(harvest.progress(4), Progress { percent: 75, units_used: 1 });
        assert!(harvest.has_news() && harvest.has_advanced());
        assert_eq!(lines.take().len(), 1 + WARNINGS + 2);

        assert_eq!(harvest.take_rows().len(), 36);
        harvest.stored("1-0".to_owned());
        harvest.recorded();
        assert!(!harvest.has_news() && harvest.rows_in_memory().is_empty());
        let again = Harvest::from_checkpoint(&config, Some(&harvest.checkpoint()));
        assert_eq!(again.done, harvest.done);
        assert_eq!((again.parts(), again.has_advanced()), (["1-0".to_owned()].as_slice(), false));
        assert_eq!(
            again.complaint().as_deref(),
            Some("2 of 3 pages failed; the first: b redirected more than 5 times")
        );
    }

    #[test]
    fn a_checkpoint_of_another_release_is_none() {
        let harvest = Harvest::from_checkpoint(&config(TaskType::SimpleScraping), Some("results/u/t/1.part"));
        assert_eq!(harvest.done, Done::default());
    }

    #[test]
    fn memory_and_results_are_bounded() {
        let (config, mut lines) = (config(TaskType::SimpleScraping), Lines::new(Clock::system()));
        let mut harvest = Harvest::from_checkpoint(&config, None);
        harvest.add("a", Ok(taken(1, MOST_IN_MEMORY / 2)), &mut lines);
        assert!(!harvest.is_full());
        harvest.add("b", Ok(taken(1, MOST_IN_MEMORY / 2)), &mut lines);
        assert!(harvest.is_full() && !harvest.is_too_large());
        harvest.done.bytes = LARGEST_RESULT + 1;
        assert!(harvest.is_too_large());
    }

    #[test]
    fn a_batch_says_of_each_page_what_became_of_it() {
        let (config, mut lines) = (config(TaskType::BulkScraping), Lines::new(Clock::system()));
        let mut harvest = Harvest::from_checkpoint(&config, None).in_pieces(20);
        harvest.add("a", Ok(taken(2, 1)), &mut lines);
        harvest.add("b", failure("b"), &mut lines);
        let checkpoint = harvest.checkpoint();
        let mut pieces = harvest.take_rows();
        let mut harvest = Harvest::from_checkpoint(&config, Some(&checkpoint)).in_pieces(20);
        harvest.add("c", Ok(taken(0, 0)), &mut lines);
        pieces.extend_from_slice(harvest.rows_in_memory());
        let expected = [
            json!({"page": 20, "row": {"t": "x", "n": 0.1}}),
            json!({"page": 20, "row": {"t": "x", "n": 0.1}}),
            json!({"page": 21, "failure": "b redirected more than 5 times"}),
            json!({"page": 22}),
        ];
        assert_eq!(String::from_utf8(pieces).unwrap(), expected.map(|piece| format!("{piece}\n")).concat());
        assert_eq!(harvest.complaint().as_deref(), Some("b redirected more than 5 times"));
        assert_eq!((harvest.rows(), harvest.units()), (2, 2));
    }

    #[test]
    fn a_page_of_a_browser_costs_five() {
        let mut harvest = Harvest::from_checkpoint(&config(TaskType::AdvancedScraping), None);
        harvest.add("a", Ok(taken(1, 1)), &mut Lines::new(Clock::system()));
        assert_eq!(harvest.units(), 5);
    }

    #[test]
    fn a_single_pages_failure_is_told_as_it_is() {
        let mut harvest = Harvest::from_checkpoint(&config(TaskType::SimpleScraping), None);
        harvest.add("a", failure("a"), &mut Lines::new(Clock::system()));
        assert_eq!((harvest.complaint().as_deref(), harvest.had()), (Some("a redirected more than 5 times"), 0));
    }
}
