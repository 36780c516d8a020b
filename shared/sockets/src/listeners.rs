//! Who listens to what.
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | who listens to an item | `pk = SOCKETS#` and the item's key | – |
//! | who is to be visited | `job_kind = socket`, `redeliver_at <= now` | `due` |
//!
//! A connection that ended is not told of: whoever speaks to it next finds it gone and takes it off the list. Each is visited every few minutes,
//! whatever else it is told: so it hears what it has missed, API Gateway does not end it for silence (after ten minutes), and the list forgets who left.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Item, Key, Millis, Page, Query, Table, TableError, Update};

/// How long an entry is kept at most, in seconds: as long as API Gateway keeps a connection, and a little.
const KEPT_SECONDS: u64 = 2 * 60 * 60 + 60;
/// When a new listener is first visited: it may have been spoken to before its connection was there.
const FIRST_VISIT: Duration = Duration::from_secs(30);
/// How long it is until it is visited again.
const VISITS: Duration = Duration::from_mins(4);
/// How long a connection may take to be there, once it is on the list: it is when the handshake has been answered.
const OPENING: Duration = Duration::from_secs(30);
/// How many due listeners are read at a time.
const PAGE: u32 = 100;

/// The `job_kind` of listeners.
pub const LISTENER_KIND: &str = "socket";

/// How many may listen to one item.
pub const MOST_LISTENERS: usize = 100;

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// What it listens to.
    pub listens_to: Key,
    /// Its id at API Gateway.
    pub connection: String,
    /// How far what it listens to had come when it was last told; below 0 before it was.
    pub told: i64,
    /// Since when it is on the list.
    pub admitted_at: Millis,
    job_kind: String,
    #[serde(rename = "redeliver_at")]
    visit_at: Millis,
    expires_at: u64,
}

/// The answer to who wants to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is on the list.
    Admitted,
    /// As many listen as may, or nearly: who comes at the same time is counted by neither.
    Full,
}

/// What the index shows of a listener.
#[derive(Deserialize)]
struct Shown {
    #[serde(flatten)]
    key: Key,
}

/// The listeners of a table's items, in that table.
#[derive(Clone, Debug)]
pub struct Listeners {
    table: Table,
    clock: Clock,
}

impl Listeners {
    /// Those of this table.
    #[must_use]
    pub const fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock }
    }

    /// Puts a connection on the list of an item.
    pub async fn admit(&self, item: &Key, connection: &str) -> Result<Admission, TableError> {
        if self.of(item).await?.len() >= MOST_LISTENERS {
            return Ok(Admission::Full);
        }
        let now = self.clock.now();
        let listener = Listener {
            key: Key::new(partition(item), connection),
            listens_to: item.clone(),
            connection: connection.to_owned(),
            told: -1,
            admitted_at: now,
            job_kind: LISTENER_KIND.to_owned(),
            visit_at: now.after(FIRST_VISIT),
            expires_at: now.epoch_seconds() + KEPT_SECONDS,
        };
        self.table.replace(&listener).await?;
        Ok(Admission::Admitted)
    }

    /// Who listens to an item: all of them, since one page of an answer holds many times as many as may.
    pub async fn of(&self, item: &Key) -> Result<Vec<Listener>, TableError> {
        let of = Condition::equal("pk", partition(item));
        Ok(self.table.query(Query::new(of).consistent()).await?.items)
    }

    /// Whether a listener is yet to be told that the item has come so far. Of all who ask at once, one is to tell it; what it was told before, or what it
    /// has been told to be past, it is not told again.
    pub async fn is_news(&self, listener: &Listener, so_far: i64) -> Result<bool, TableError> {
        if listener.told >= so_far {
            return Ok(false);
        }
        let tell = Update::new()
            .set("told", so_far)
            .when(Condition::Exists("pk"))
            .when(Condition::at_most("told", so_far - 1));
        Ok(self.changed(&listener.key, tell).await?.is_some())
    }

    /// Whether a listener whose connection is not there may be on the list before it: it is not gone, but yet to come.
    #[must_use]
    pub fn is_opening(&self, listener: &Listener) -> bool {
        listener.admitted_at.until(self.clock.now()) < OPENING
    }

    /// Takes a connection off its list.
    pub async fn dismiss(&self, listener: &Listener) -> Result<(), TableError> {
        self.table.delete(&listener.key).await?;
        Ok(())
    }

    /// A page of those who are to be visited.
    pub async fn due(&self, start: Option<Item>) -> Result<Page<Key>, TableError> {
        let due = Condition::All(vec![
            Condition::equal("job_kind", LISTENER_KIND),
            Condition::at_most("redeliver_at", self.clock.now()),
        ]);
        let page = self.table.query::<Shown>(Query::new(due).index("due").limit(PAGE).start(start)).await?;
        Ok(Page { items: page.items.into_iter().map(|shown| shown.key).collect(), next: page.next })
    }

    /// The listener at this key as it is now, to be visited by whoever gets it. None if it is not due any more, or gone.
    pub async fn visit(&self, key: &Key) -> Result<Option<Listener>, TableError> {
        let now = self.clock.now();
        let visit = Update::new().set("redeliver_at", now.after(VISITS)).when(Condition::at_most("redeliver_at", now));
        self.changed(key, visit).await?.map(table::decode).transpose()
    }

    /// The item as a change has left it, if its condition held.
    async fn changed(&self, key: &Key, change: Update) -> Result<Option<Item>, TableError> {
        match self.table.update(key, change).await {
            Ok(item) => Ok(Some(item)),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn partition(item: &Key) -> String {
    format!("SOCKETS#{}#{}", item.pk, item.sk)
}
