//! Messages that kept failing, kept for an operator to read.
//!
//! | pattern | key condition |
//! |---|---|
//! | the letters of a queue, by time | `pk = DEAD#queue`, `sk` begins with the moment, thirteen digits |

use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Table, TableError};

/// For how many seconds a letter is kept: 90 days.
const KEPT_SECONDS: u64 = 90 * 24 * 3_600;

/// A message that kept failing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The queue it was taken from.
    pub queue: String,
    /// Its id in that queue.
    pub message_id: String,
    /// What it said.
    pub body: String,
    /// When it was sent.
    pub sent_at: Millis,
    /// What became of its job.
    pub verdict: String,
}

/// The letters of all queues.
#[derive(Clone, Debug)]
pub struct DeadLetters(Table);

#[derive(Serialize)]
struct Stored<'letter> {
    #[serde(flatten)]
    key: Key,
    expires_at: u64,
    #[serde(flatten)]
    letter: &'letter DeadLetter,
}

impl DeadLetters {
    /// The letters kept in `table`.
    #[must_use]
    pub const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Keeps a letter. The same letter again is kept once.
    pub async fn keep(&self, letter: &DeadLetter) -> Result<(), TableError> {
        let key = Key::new(format!("DEAD#{}", letter.queue), format!("{:013}#{}", letter.sent_at.0, letter.message_id));
        let stored = Stored { key, expires_at: letter.sent_at.epoch_seconds() + KEPT_SECONDS, letter };
        match self.0.put(&stored, Condition::Absent("pk")).await {
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
