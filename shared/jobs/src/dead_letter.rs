//! Messages that kept failing, kept for an operator: read, redriven, purged.
//!
//! | pattern | key condition |
//! |---|---|
//! | the letters of a queue, by time | `pk = DEAD#queue`, `sk` begins with the moment, thirteen digits |

use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Page, Query, Table, TableError, Update};

use crate::beside::Elsewhere;

/// For how many seconds a letter is kept: 90 days.
const KEPT_SECONDS: u64 = 90 * 24 * 3_600;
/// How many bytes of a message are kept at most. Ours are far shorter; another's may be longer than an item can be.
const LARGEST_BODY: usize = 16_384;

/// A message that kept failing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The queue it was taken from.
    pub queue: String,
    /// Its id in that queue.
    pub message_id: String,
    /// What it said, or the first 16 KB of it.
    pub body: String,
    /// When it was sent.
    pub sent_at: Millis,
    /// What became of its job.
    pub verdict: String,
    /// When it was redriven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven_at: Option<Millis>,
}

/// What tells a letter from all others. It is written `queue.moment.message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterId {
    queue: String,
    sent_at: Millis,
    message_id: String,
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

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.queue, self.sent_at.0, self.message_id)
    }
}

impl LetterId {
    /// Reads what `to_string` has written; none if it is something else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (queue, rest) = text.split_once('.')?;
        let (sent_at, message_id) = rest.split_once('.')?;
        let known = |part: &str| {
            (1..=100).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let number: u64 = sent_at.parse().ok()?;
        let plain = number.to_string() == sent_at && sent_at.len() <= 13;
        (known(queue) && known(message_id) && plain).then(|| Self {
            queue: queue.to_owned(),
            sent_at: Millis(number),
            message_id: message_id.to_owned(),
        })
    }

    /// The queue that the letter is of.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    fn key(&self) -> Key {
        Key::new(partition(&self.queue), format!("{:013}#{}", self.sent_at.0, self.message_id))
    }
}

impl DeadLetter {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> LetterId {
        let Self { queue, sent_at, message_id, .. } = self.clone();
        LetterId { queue, sent_at, message_id }
    }
}

impl DeadLetters {
    /// The letters kept in `table`.
    #[must_use]
    pub const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Keeps a letter, the beginning of one that says too much. The same letter again is kept once.
    pub async fn keep(&self, letter: &DeadLetter) -> Result<(), TableError> {
        let body = letter.body[..letter.body.floor_char_boundary(LARGEST_BODY)].to_owned();
        let letter = &DeadLetter { body, ..letter.clone() };
        let stored =
            Stored { key: letter.id().key(), expires_at: letter.sent_at.epoch_seconds() + KEPT_SECONDS, letter };
        match self.0.put(&stored, Condition::Absent("pk")).await {
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A letter.
    pub async fn get(&self, id: &LetterId) -> Result<Option<DeadLetter>, TableError> {
        self.0.get(&id.key()).await
    }

    /// A page of up to `limit` letters of a queue, the newest first, of those that are older than `before` if one is named.
    pub async fn list(
        &self,
        queue: &str,
        before: Option<&LetterId>,
        limit: u32,
    ) -> Result<Page<DeadLetter>, TableError> {
        let letters = Condition::equal("pk", partition(queue));
        let start = before.map(|id| id.key().into_item());
        let query = Query::new(letters).descending(true).consistent().limit(limit).start(start);
        self.0.query(query).await
    }

    /// Deletes letters, whether they are there or not.
    pub async fn delete(&self, ids: &[LetterId]) -> Result<(), TableError> {
        self.0.delete_many(&ids.iter().map(LetterId::key).collect::<Vec<_>>()).await
    }

    /// Deletes a letter, and says whether it was there.
    pub async fn delete_one(&self, id: &LetterId) -> Result<bool, TableError> {
        self.0.delete(&id.key()).await
    }

    /// How a letter is marked as redriven, on condition that it was not.
    #[must_use]
    pub fn redriven(&self, id: &LetterId, now: Millis) -> Elsewhere<'_> {
        let update =
            Update::new().set("redriven_at", now).when(Condition::Exists("pk")).when(Condition::Absent("redriven_at"));
        Elsewhere { table: &self.0, key: id.key(), update }
    }
}

fn partition(queue: &str) -> String {
    format!("DEAD#{queue}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is_one() {
        let (queue, message_id) = ("extract".to_owned(), "5e0ff5b7-7f4a-4c6b-9d29-5f1b3a2f0c11".to_owned());
        let id = LetterId { queue, sent_at: Millis(1_705_314_600_000), message_id };
        assert_eq!(id.to_string(), "extract.1705314600000.5e0ff5b7-7f4a-4c6b-9d29-5f1b3a2f0c11");
        assert_eq!(LetterId::read(&id.to_string()), Some(id));
        for wrong in
            ["", "a", "a.1", "a.b.c", ".1.c", "a.1.", "a.01.c", "a.1.c#d", "a#.1.c", "a.99999999999999.c", "a.-1.c"]
        {
            assert_eq!(LetterId::read(wrong), None, "{wrong}");
        }
        let long = format!("a.1.{}", "x".repeat(101));
        assert_eq!(LetterId::read(&long), None);
    }
}
