//! What a monitor knows from one attempt to the next, in its task's checkpoint. Pure.

use serde::{Deserialize, Serialize};
use table::Millis;

/// What a monitor knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// How many checks are done.
    pub(crate) checks: u64,
    /// When the check was due that is under way, or comes next; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Millis>,
    /// The generation of files that hold what is known; none before there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<u64>,
    /// The generation before, which somebody may still be reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files_before: Option<u64>,
    /// The generation of the file that holds the pages of the check under way that are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) under_way: Option<u64>,
    /// The check is done, and its e-mail is to be sent before the monitor rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) done: Option<Done>,
}

/// A check that is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The compute units that it has used.
    pub(crate) units: u64,
    /// How many changes its owner is to be told of.
    pub(crate) reported: usize,
    /// The size of the new result; none if it is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result_bytes: Option<u64>,
    /// What its owner should know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl Memory {
    /// What the checkpoint holds. One that cannot be read, as that of another release, is none: values are taken anew.
    pub(crate) fn read(checkpoint: Option<&str>) -> Self {
        let read = checkpoint.map(serde_json::from_str).transpose();
        read.inspect_err(|error| tracing::warn!(%error, "the checkpoint cannot be read: begun anew"))
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// The checkpoint.
    pub(crate) fn checkpoint(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Notes that what is known is in other files now; gives the generation that nobody reads any more.
    pub(crate) const fn turn(&mut self, files: u64) -> Option<u64> {
        let obsolete = self.files_before;
        self.files_before = self.files;
        self.files = Some(files);
        obsolete
    }

    /// As it is while the monitor rests until the next check.
    pub(crate) fn at_rest(mut self, next: Millis) -> Self {
        self.checks += 1;
        self.due_at = Some(next);
        self.under_way = None;
        self.done = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_known_again_from_the_checkpoint() {
        let mut memory = Memory { checks: 3, due_at: Some(Millis(5)), under_way: Some(9), ..Memory::default() };
        assert_eq!((memory.turn(4), memory.turn(6), memory.turn(8)), (None, None, Some(4)));
        memory.done = Some(Done { units: 2, reported: 1, result_bytes: Some(10), note: Some("n".to_owned()) });
        assert_eq!(Memory::read(Some(&memory.checkpoint())), memory);
        let rests = memory.at_rest(Millis(7));
        let expected =
            Memory { checks: 4, due_at: Some(Millis(7)), files: Some(8), files_before: Some(6), ..Memory::default() };
        assert_eq!(rests, expected);
        for unreadable in [None, Some("results/u/t/1.part"), Some("{}"), Some("")] {
            assert_eq!(Memory::read(unreadable), Memory::default());
        }
    }
}
