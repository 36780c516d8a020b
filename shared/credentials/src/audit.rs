//! What was done to a credential, by whom and when. Each write of a credential carries its event in `last_event`; the table's stream
//! brings it to the function `credential-audit`, which keeps it here.
//!
//! | pattern | key condition |
//! |---|---|
//! | the trail of a credential, by time | `pk = AUDIT#CRED#id`, `sk` begins with the moment, thirteen digits |

use serde::{Deserialize, Serialize};
use table::{Condition, Item, Key, Millis, Query, Table, TableError, decode};

/// For how many seconds an event is kept: 90 days.
const KEPT_SECONDS: u64 = 90 * 24 * 3_600;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What was done: `claimed`, `success`, `failure`, `released`, `created`, …
    pub action: String,
    /// When.
    pub at: Millis,
    /// By whom: the id of an API key, or `recovery`.
    pub by: String,
    /// More, such as an error message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Event {
    /// The event as a credential's `last_event`.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A change of a credential, as the stream tells it.
#[derive(Debug)]
pub struct Change {
    /// The number of the credential.
    pub credential: u64,
    /// The place in the stream, which tells two changes of one moment apart.
    pub sequence: String,
    /// What was done.
    pub event: Event,
}

impl Change {
    /// Reads a change of an item from what it was and is; none if it is no credential, or nothing was done that is kept.
    #[must_use]
    pub fn read(before: Option<&Item>, after: Option<&Item>, sequence: &str) -> Option<Self> {
        let text = |item: Option<&Item>| item?.get("last_event")?.as_s().ok().cloned();
        let (old, new) = (text(before), text(after)?);
        if old.as_ref() == Some(&new) {
            return None;
        }
        let credential = after?.get("id")?.as_n().ok()?.parse().ok()?;
        Some(Self { credential, sequence: sequence.to_owned(), event: serde_json::from_str(&new).ok()? })
    }
}

/// The trails of all credentials.
#[derive(Clone, Debug)]
pub struct Trail(Table);

#[derive(Serialize)]
struct Stored {
    pk: String,
    sk: String,
    expires_at: u64,
    #[serde(flatten)]
    event: Event,
}

impl Trail {
    /// The trails kept in `table`.
    #[must_use]
    pub const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Keeps changes. The same one again is kept once.
    pub async fn keep(&self, changes: Vec<Change>) -> Result<(), TableError> {
        let stored: Vec<_> = changes
            .into_iter()
            .map(|change| Stored {
                pk: partition(change.credential),
                sk: format!("{:013}#{}", change.event.at.0, change.sequence),
                expires_at: change.event.at.epoch_seconds() + KEPT_SECONDS,
                event: change.event,
            })
            .collect();
        self.0.put_many(&stored).await
    }

    /// A page of a credential's trail, the newest first, after the event at the place `after`; with it the place where it goes on.
    pub async fn read(
        &self,
        credential: u64,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Event>, Option<String>), TableError> {
        let start = after.map(|place| Key::new(partition(credential), place).into_item());
        let query = Query::new(Condition::equal("pk", partition(credential)));
        let page = self.0.query_items(query.descending(true).limit(limit).start(start)).await?;
        let next = page.next.and_then(|key| key.get("sk")?.as_s().ok().cloned());
        Ok((page.items.into_iter().map(decode).collect::<Result<_, _>>()?, next))
    }
}

fn partition(credential: u64) -> String {
    format!("AUDIT#CRED#{credential}")
}
