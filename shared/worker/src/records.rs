//! What all kinds of records share: numbers, keys, listings, and being made once.

use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Item, Key, Query, Table, TableError, Update, cursor, decode};

/// How many records are written at once.
const WRITERS: usize = 32;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What tasks are done for.
    Campaign,
    /// Work for a worker.
    Task,
}

impl Kind {
    /// The kind as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Task => "task",
        }
    }

    /// The key of the record with this number.
    #[must_use]
    pub fn key(self, id: u64) -> Key {
        Key::new(format!("{}#{id}", self.as_str().to_ascii_uppercase()), "RECORD")
    }
}

/// A page of records.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The records, by their numbers, the newest first.
    pub records: Vec<T>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}

/// The records of the table `worker`.
#[derive(Clone, Debug)]
pub struct Records {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
}

#[derive(Deserialize)]
struct LastNumber {
    last: u64,
}

impl Records {
    /// Those in `table`.
    #[must_use]
    pub const fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock }
    }

    /// A record.
    pub async fn find<T: DeserializeOwned>(&self, kind: Kind, id: u64) -> Result<Option<T>, TableError> {
        self.table.get(&kind.key(id)).await
    }

    /// Those of these records that are there, at most 100.
    pub async fn find_all<T: DeserializeOwned>(&self, kind: Kind, ids: &[u64]) -> Result<Vec<T>, TableError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.table.get_many(&ids.iter().map(|id| kind.key(*id)).collect::<Vec<_>>()).await
    }

    /// A page of all records of a kind, the newest first. None if `after` is no cursor of ours.
    pub async fn list<T: DeserializeOwned>(
        &self,
        kind: Kind,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<T>>, TableError> {
        let after: Option<u64> = match after.map(cursor::read) {
            Some(None) => return Ok(None),
            position => position.flatten(),
        };
        let start = after.map(|id| position(kind, id));
        let query = Query::new(Condition::equal("kind", kind.as_str())).index("listed").descending(true);
        let page = self.table.query::<Numbered>(query.limit(limit).start(start)).await?;
        let next = page.items.last().filter(|_| page.next.is_some()).and_then(|last| cursor::write(&last.id));
        let keys: Vec<_> = page.items.into_iter().map(|entry| entry.key).collect();
        let records = if keys.is_empty() { Vec::new() } else { self.table.get_many(&keys).await? };
        Ok(Some(Listing { records, next }))
    }

    /// Takes `count` new numbers of a kind, and gives the first of them.
    pub(crate) async fn number(&self, kind: Kind, count: u64) -> Result<u64, TableError> {
        let taken = Update::new().add("last", i64::try_from(count).unwrap_or(i64::MAX));
        let LastNumber { last } = decode(self.table.update(&Key::new("NUMBERS", kind.as_str()), taken).await?)?;
        Ok(last - count + 1)
    }

    /// Writes new records. One that is there already stays as it is: it was made by the same request, which has come again.
    pub async fn make<T: Serialize + Sync>(&self, records: &[T]) -> Result<(), TableError> {
        for some in records.chunks(WRITERS) {
            try_join_all(some.iter().map(|record| self.make_one(record))).await?;
        }
        Ok(())
    }

    async fn make_one<T: Serialize + Sync>(&self, record: &T) -> Result<(), TableError> {
        match self.table.put(record, Condition::Absent("pk")).await {
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// An entry of the index `listed`.
#[derive(Serialize, Deserialize)]
struct Numbered {
    #[serde(flatten)]
    key: Key,
    id: u64,
}

/// The position of a record in the index `listed`.
fn position(kind: Kind, id: u64) -> Item {
    let mut item = kind.key(id).into_item();
    item.insert("kind".to_owned(), table::AttributeValue::S(kind.as_str().to_owned()));
    item.insert("id".to_owned(), table::AttributeValue::N(id.to_string()));
    item
}
