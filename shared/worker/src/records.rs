//! What all kinds of records share: numbers, keys, listings, and being made once.

use std::collections::HashSet;

use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{
    AttributeValue, Clock, Condition, Item, Key, Millis, Query, Table, TableError, Update, Value, cursor, decode,
};

/// How many records are written at once.
const WRITERS: usize = 32;
/// How often an index is read for one page of a listing that leaves some out, at most, and how many are looked at each time.
const READS: usize = 5;
const LOOKED_AT: u32 = 500;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A link that a worker has placed.
    Backlink,
    /// What tasks are done for.
    Campaign,
    /// What workers call through.
    Proxy,
    /// An account that a worker has opened at a site.
    SiteAccount,
    /// Work for a worker.
    Task,
}

impl Kind {
    /// The kind as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backlink => "backlink",
            Self::Campaign => "campaign",
            Self::Proxy => "proxy",
            Self::SiteAccount => "site_account",
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
    /// The records, in the order of the list.
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
        let all = Part { index: "listed", of: ("kind", kind.as_str().into()), order: Order::Newest, only: None };
        self.page(kind, &all, limit, after).await
    }

    /// A page of a part of an index. It may be short, or empty, where there is more to come. None if `after` is no cursor of ours.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        kind: Kind,
        part: &Part,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<T>>, TableError> {
        let after: Option<Position> = match after.map(cursor::read) {
            Some(None) => return Ok(None),
            position => position.flatten(),
        };
        let (reads, looked_at) = if part.only.is_some() { (READS, LOOKED_AT) } else { (1, limit) };
        let (mut items, mut next) = (Vec::new(), after.map(|position| part.start(kind, position)));
        let mut seen = HashSet::new();
        // What moves on in the order between two reads is found by both.
        let mut is_new = |item: &Item| seen.insert(item.get("pk").and_then(|pk| pk.as_s().ok()).cloned());
        for _ in 0..reads {
            let page = self.table.query_items(part.query(after).limit(looked_at).start(next)).await?;
            items.extend(page.items.into_iter().filter(&mut is_new));
            next = page.next;
            if next.is_none() || items.len() >= limit as usize {
                break;
            }
        }
        if items.len() > limit as usize {
            items.truncate(limit as usize);
            next = items.last().cloned();
        }
        let next = next.and_then(|last| cursor::write(&part.position(&last)?));
        // The index may be some moments old: what it names is shown as it is.
        let keys = items.into_iter().map(decode).collect::<Result<Vec<Key>, _>>()?;
        let records = if keys.is_empty() { Vec::new() } else { self.table.get_many(&keys).await? };
        Ok(Some(Listing { records, next }))
    }

    /// Changes a record, and gives it as it is now; none if it is not there.
    pub async fn change<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: u64,
        change: Update,
    ) -> Result<Option<T>, TableError> {
        let change = change.set("updated_at", self.clock.now()).when(Condition::Exists("pk"));
        match self.table.update(&kind.key(id), change).await {
            Ok(item) => decode(item).map(Some),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
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

/// Records that an index holds together, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The index.
    pub(crate) index: &'static str,
    /// What they have in common: its partition key.
    pub(crate) of: (&'static str, Value),
    /// In which order, and how far.
    pub(crate) order: Order,
    /// Which of them, by what the index shows; all unless given.
    pub(crate) only: Option<Condition>,
}

/// An order of records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// By their numbers, the newest first.
    Newest,
    /// By `claimable_at`, up to this moment.
    Claimable(Millis),
    /// By `claimable_at`, whatever it is: all that have not ended.
    Open,
    /// By `failed_at`, the last first.
    Failed,
}

/// Where a listing goes on: after the record of this number, at this place in the order.
type Position = (u64, u64);

impl Part {
    fn sort_key(&self) -> &'static str {
        match self.order {
            Order::Newest => "id",
            Order::Claimable(_) | Order::Open => "claimable_at",
            Order::Failed => "failed_at",
        }
    }

    fn query(&self, after: Option<Position>) -> Query {
        let of = Condition::equal(self.of.0, self.of.1.clone());
        match self.order {
            Order::Newest | Order::Failed => Query::new(of).descending(true),
            Order::Open => Query::new(of),
            // The clock of the function that made the cursor may be ahead of ours, and DynamoDB takes no cursor beyond the bound.
            Order::Claimable(until) => Query::new(Condition::All(vec![
                of,
                Condition::at_most("claimable_at", after.map_or(until, |(_, at)| until.max(Millis(at)))),
            ])),
        }
        .index(self.index)
        .only(self.only.clone())
    }

    fn start(&self, kind: Kind, (id, sort): Position) -> Item {
        let mut key = kind.key(id).into_item();
        key.insert(self.of.0.to_owned(), self.of.1.0.clone());
        key.insert(self.sort_key().to_owned(), AttributeValue::N(sort.to_string()));
        key
    }

    fn position(&self, key: &Item) -> Option<Position> {
        let (_, id) = key.get("pk")?.as_s().ok()?.split_once('#')?;
        Some((id.parse().ok()?, key.get(self.sort_key())?.as_n().ok()?.parse().ok()?))
    }
}
