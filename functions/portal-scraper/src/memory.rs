//! How far a job has come: what its checkpoint says, and the rows that are in no part file yet. Pure.

use jobs::Progress;
use recipes::{Batch, Cursor};
use serde::{Deserialize, Serialize};
use spool::{MOST_IN_MEMORY, add_line};

use crate::ending::End;

/// How often a job is begun anew whose portal does not keep still, before it is given up.
const MOST_ANEW: u32 = 3;

/// How far a job has come.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What a later attempt goes on from: what is in parts.
    kept: Kept,
    /// The last page that was had; none at the beginning.
    cursor: Option<Cursor>,
    /// The rows that are in no part yet, each a line of JSON.
    rows: Vec<u8>,
    /// How many pages were had when the attempt began, and at the last checkpoint.
    began: u32,
    checkpointed: u32,
}

/// What a checkpoint says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// The last page whose records are in a part; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<Cursor>,
    /// The part files with the records up to there, in their order: names without folder and extension.
    #[serde(default)]
    parts: Vec<String>,
    /// Whom the account is of, once the portal has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    /// How often the job was begun anew.
    #[serde(default)]
    anew: u32,
    /// How the job ends, once that is decided, and somebody is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<End>,
    /// Whether the e-mail about that is counted among its tenant's.
    #[serde(default)]
    is_mail_counted: bool,
}

impl Memory {
    /// Of a job that begins, or goes on from a checkpoint. A checkpoint that cannot be read, as that of another release, is none.
    pub(crate) fn read(checkpoint: Option<&str>) -> Self {
        let read = |text| {
            let read = serde_json::from_str(text);
            read.inspect_err(|error| tracing::warn!(%error, "the checkpoint cannot be read: begun anew")).ok()
        };
        let kept: Kept = checkpoint.and_then(read).unwrap_or_default();
        let (cursor, pages) = (kept.cursor.clone(), pages(kept.cursor.as_ref()));
        Self { kept, cursor, rows: Vec::new(), began: pages, checkpointed: pages }
    }

    /// What a checkpoint says: never more than is in parts.
    pub(crate) fn checkpoint(&self) -> String {
        serde_json::json!(self.kept).to_string()
    }

    /// Adds a page.
    pub(crate) fn add(&mut self, batch: Batch) {
        for row in &batch.rows {
            add_line(&mut self.rows, row);
        }
        self.cursor = Some(batch.cursor);
    }

    /// Notes whom the account is of.
    pub(crate) fn belongs_to(&mut self, entity: Option<&str>) {
        if self.kept.entity.is_none() {
            self.kept.entity = entity.map(str::to_owned);
        }
    }

    /// Notes that the rows in memory are in the part of this name; without one there were none.
    pub(crate) fn stored(&mut self, part: Option<String>) {
        self.rows.clear();
        self.kept.parts.extend(part);
        self.kept.cursor.clone_from(&self.cursor);
    }

    /// Notes that the checkpoint is recorded.
    pub(crate) fn recorded(&mut self) {
        self.checkpointed = pages(self.kept.cursor.as_ref());
    }

    /// Notes how the job ends.
    pub(crate) fn decide(&mut self, end: End) {
        self.kept.end = Some(end);
    }

    /// Whether the e-mail about the end is counted.
    pub(crate) const fn is_mail_counted(&mut self) -> &mut bool {
        &mut self.kept.is_mail_counted
    }

    /// Forgets all that was had, whose account it is too, and gives the parts that nobody asks for any more. None: it was done too often.
    pub(crate) fn begin_anew(&mut self) -> Option<Vec<String>> {
        if self.kept.anew == MOST_ANEW {
            return None;
        }
        let Kept { parts, anew, .. } = std::mem::take(self).kept;
        self.kept = Kept { anew: anew + 1, ..Kept::default() };
        Some(parts)
    }

    /// How the job ends, if that is decided.
    pub(crate) const fn end(&self) -> Option<&End> {
        self.kept.end.as_ref()
    }

    /// The last page that was had.
    pub(crate) const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Whom the account is of, once the portal has said so.
    pub(crate) fn entity(&self) -> Option<&str> {
        self.kept.entity.as_deref()
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.kept.parts
    }

    pub(crate) fn rows_in_memory(&self) -> &[u8] {
        &self.rows
    }

    /// Whether memory holds as many rows as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= MOST_IN_MEMORY
    }

    /// Whether a checkpoint would save anything.
    pub(crate) fn has_news(&self) -> bool {
        pages(self.cursor()) > self.checkpointed
    }

    /// Whether this attempt has kept more than those before it.
    pub(crate) fn has_advanced(&self) -> bool {
        pages(self.kept.cursor.as_ref()) > self.began
    }

    /// How many records were had.
    pub(crate) fn records(&self) -> u64 {
        self.cursor().map_or(0, Cursor::records)
    }

    /// How far that is, as the portal counts. Never quite all: the rest is the writing of the files.
    pub(crate) fn progress(&self) -> Progress {
        let claimed = self.cursor().and_then(Cursor::claimed).unwrap_or(0);
        let percent = (self.records() * 100).checked_div(claimed).unwrap_or(0).min(99);
        Progress { percent: u8::try_from(percent).unwrap_or(99), units_used: 0 }
    }

    /// The same in words.
    pub(crate) fn told(&self) -> String {
        match self.cursor().and_then(Cursor::claimed) {
            Some(claimed) => format!("{} of {claimed} records", self.records()),
            None => "Signing in".to_owned(),
        }
    }
}

fn pages(cursor: Option<&Cursor>) -> u32 {
    cursor.map_or(0, Cursor::pages)
}

#[cfg(test)]
mod tests {
    use recipes::Place;
    use serde_json::{Value, json};

    use super::*;

    /// The page of this number with so many records, and so many of the portal's 100 up to it.
    fn page(number: u32, rows: usize, records: u64) -> Batch {
        let cursor = json!({
            "portal": "pwmr", "version": 1, "listing": 0, "page": number, "rows": records, "claimed": 100, "overall": null, "earlier": 0,
            "pages": number, "bytes": 0, "last": null, "next": null,
        });
        let row = json!({"invoice_no": "17"}).as_object().cloned().unwrap();
        Batch {
            rows: vec![row; rows],
            place: Place { listing: "Procurement".to_owned(), page: number },
            cursor: serde_json::from_value(cursor).unwrap(),
        }
    }

    #[test]
    fn a_later_attempt_goes_on_from_what_is_in_parts() {
        let mut memory = Memory::read(None);
        assert_eq!((memory.told().as_str(), memory.progress().percent), ("Signing in", 0));
        memory.add(page(1, 50, 50));
        assert_eq!((memory.told().as_str(), memory.progress().percent), ("50 of 100 records", 50));
        assert_eq!(memory.rows_in_memory().split(|byte| *byte == b'\n').count(), 51);
        assert!(memory.has_news() && !memory.has_advanced());
        assert_eq!(Memory::read(Some(&memory.checkpoint())).records(), 0, "what is in no part is lost with the worker");
        memory.stored(Some("3-0".to_owned()));
        assert!(memory.has_news() && memory.has_advanced() && memory.rows_in_memory().is_empty());
        memory.recorded();
        assert!(!memory.has_news());
        memory.add(page(2, 0, 50));

        let later = Memory::read(Some(&memory.checkpoint()));
        assert_eq!((later.parts(), later.records()), (["3-0".to_owned()].as_slice(), 50));
        assert_eq!(later.cursor().map(Cursor::pages), Some(1));
        assert!(!later.has_advanced() && !later.has_news());
    }

    #[test]
    fn a_page_without_records_is_kept_without_a_part() {
        let mut memory = Memory::read(None);
        memory.add(page(1, 0, 0));
        memory.stored(None);
        assert!(memory.has_advanced() && memory.parts().is_empty());
        assert_eq!(Memory::read(Some(&memory.checkpoint())).cursor(), memory.cursor());
    }

    #[test]
    fn a_checkpoint_of_another_release_is_none() {
        for checkpoint in ["", "{", "[1]", r#"{"cursor": {"portal": "pwmr"}}"#] {
            let memory = Memory::read(Some(checkpoint));
            assert!(memory.cursor().is_none() && memory.parts().is_empty(), "{checkpoint}");
        }
    }

    #[test]
    fn all_but_the_files_is_not_all() {
        let mut memory = Memory::read(None);
        memory.add(page(2, 50, 100));
        assert_eq!(memory.progress().percent, 99);
    }

    #[test]
    fn it_is_begun_anew_a_few_times_and_with_nothing() {
        let mut memory = Memory::read(None);
        for _ in 0..MOST_ANEW {
            memory.add(page(1, 50, 50));
            memory.belongs_to(Some("Example Entity"));
            memory.stored(Some("3-0".to_owned()));
            assert_eq!(memory.begin_anew(), Some(vec!["3-0".to_owned()]));
            assert_eq!(memory.entity(), None, "it may be another's account by now");
            assert_eq!((memory.records(), memory.parts().len(), memory.rows_in_memory().len()), (0, 0, 0));
            memory = Memory::read(Some(&memory.checkpoint()));
        }
        memory.add(page(1, 50, 50));
        assert_eq!(memory.begin_anew(), None);
        assert_eq!(memory.records(), 50, "it is given up with what it has");
    }

    #[test]
    fn how_it_ends_is_remembered() {
        let mut memory = Memory::read(None);
        let end = End::failed("The portal did not accept the name and password");
        memory.belongs_to(Some("Example Entity"));
        memory.decide(end.clone());
        let later = Memory::read(Some(&memory.checkpoint()));
        assert_eq!((later.end(), later.entity()), (Some(&end), Some("Example Entity")));
        *memory.is_mail_counted() = true;
        assert!(*Memory::read(Some(&memory.checkpoint())).is_mail_counted(), "it would be counted again");
        let read: Value = serde_json::from_str(&memory.checkpoint()).unwrap();
        assert_eq!(read["end"], json!({"failed": {"reason": "The portal did not accept the name and password"}}));
    }
}
