//! What is counted by one transaction: some changes, with the marks by which they are known to be counted.
//!
//! A mark lies beside all others of its second, wherever its change comes from a second time: in another batch, or after later changes. So it does not
//! matter how a stream's changes are put together, nor by how many invocations at once they are told. Marks are kept for as long as a stream can
//! tell of their changes again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use table::{Condition, Item, Key, Millis, Table, TableError, Transaction, Update};

use crate::change::{Change, Source};
use crate::delta::Delta;
use crate::standing::text;

/// How many changes are counted by one transaction: a whole batch. Their condition has 299 operators and 3.4 KB; it may have 300, and 4 KB.
pub(crate) const MOST_CHANGES: usize = 100;
/// How many items it writes. DynamoDB takes 100, its local edition of 2020 only ten.
const MOST_WRITES: usize = 10;
/// For how long a stream tells of a change, 24 hours, and one more.
const KEPT: Duration = Duration::from_hours(25);
/// How many bytes of a digest are a mark: those of one second in one table are told apart by it.
const MARK_BYTES: usize = 8;

/// The item that has the marks of a second.
type Second = (Source, Millis);

/// Changes that are counted together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece(BTreeMap<(Second, String), Delta>);

impl Piece {
    /// What is counted of these changes, by as few transactions as may be; what changes no count is left out. A change that is among them twice is
    /// in there once.
    pub(crate) fn of_all(changes: &[Change]) -> Vec<Self> {
        let whole: BTreeMap<_, _> = changes
            .iter()
            .map(|change| ((second_of(change), mark(change)), Delta::of(change)))
            .filter(|(_, delta)| !delta.is_empty())
            .collect();
        let (mut pieces, mut last) = (Vec::new(), Self::default());
        for (mark, delta) in whole {
            let mut more = last.clone();
            more.0.insert(mark.clone(), delta.clone());
            if !last.0.is_empty() && !more.fits() {
                pieces.push(last);
                more = Self(BTreeMap::from([(mark, delta)]));
            }
            last = more;
        }
        pieces.extend((!last.0.is_empty()).then_some(last));
        pieces
    }

    fn fits(&self) -> bool {
        self.0.len() <= MOST_CHANGES && self.seconds().len() + self.delta().writes(0).len() <= MOST_WRITES
    }

    /// How many changes are counted.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What all of them bring.
    pub(crate) fn delta(&self) -> Delta {
        self.0.values().fold(Delta::default(), Delta::plus)
    }

    /// The writes that count them, if none of them is counted yet: first those of the marks, in the order of [`Self::seconds`].
    pub(crate) fn writes(&self, lane: u8) -> Vec<(Key, Update)> {
        let marks = self.seconds().into_iter().map(|second| (marks_key(second), self.marking(second)));
        marks.chain(self.delta().writes(lane)).collect()
    }

    /// The transaction that counts them.
    pub(crate) fn transaction(&self, table: &Table, lane: u8) -> Result<Transaction, TableError> {
        let mut writes = self.writes(lane).into_iter();
        writes.try_fold(Transaction::new(), |transaction, (key, update)| transaction.update(table, &key, update))
    }

    /// The seconds that they are of.
    pub(crate) fn seconds(&self) -> Vec<Second> {
        let seconds: BTreeSet<_> = self.0.keys().map(|(second, _)| *second).collect();
        seconds.into_iter().collect()
    }

    /// Leaves out what the item of a second says is counted, and says how many that were.
    pub(crate) fn leave_out(&mut self, second: Second, marks: &Item) -> usize {
        let before = self.len();
        let counted = marks.get("marks").and_then(|marks| marks.as_ss().ok());
        self.0.retain(|(of, mark), _| *of != second || !counted.is_some_and(|counted| counted.contains(mark)));
        before - self.len()
    }

    fn marking(&self, second: Second) -> Update {
        let marks: Vec<_> = self.0.keys().filter(|(of, _)| *of == second).map(|(_, mark)| mark.clone()).collect();
        let lacking = marks.iter().map(|mark| Condition::Lacks("marks", mark.clone())).collect();
        Update::new()
            .set("expires_at", second.1.after(KEPT).epoch_seconds())
            .include_all("marks", marks)
            .when(Condition::All(lacking))
    }
}

/// The key of the item that has the marks of a second.
pub(crate) fn marks_key((source, second): Second) -> Key {
    Key::new(format!("COUNTED#{}#{}", source.as_str(), second.epoch_seconds()), "COUNTED")
}

fn second_of(change: &Change) -> Second {
    (change.source, Millis(change.at.epoch_seconds() * 1_000))
}

/// A sequence number is its shard's alone, and an item is in one shard at a time: both together are no other change's.
fn mark(change: &Change) -> String {
    let mut digest = Context::new(&SHA256);
    let key = |name| text(&change.after, name).or_else(|| text(&change.before, name)).unwrap_or_default();
    for part in [change.sequence.as_str(), key("pk"), key("sk")] {
        digest.update(part.as_bytes());
        digest.update(b"\0");
    }
    BASE64_URL_SAFE_NO_PAD.encode(&digest.finish().as_ref()[..MARK_BYTES])
}
