//! Who listens to what.
//!
//! | pattern | key condition |
//! |---|---|
//! | who listens to an item | `pk = SOCKETS#` and the item's key |
//!
//! A connection that ended is not told of: whoever speaks to it next finds it gone and takes it off the list, and else the table's TTL does. API
//! Gateway ends every connection after two hours.

use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Key, Query, Table, TableError, Update};

/// How long an entry is kept at most, in seconds: as long as API Gateway keeps a connection, and a little.
const KEPT_SECONDS: u64 = 2 * 60 * 60 + 60;

/// How many may listen to one item.
pub const MOST_LISTENERS: u32 = 100;

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
        if self.of(item).await?.len() >= MOST_LISTENERS as usize {
            return Ok(Admission::Full);
        }
        let listener = Listener {
            key: Key::new(partition(item), connection),
            listens_to: item.clone(),
            connection: connection.to_owned(),
            told: -1,
            expires_at: self.clock.now().epoch_seconds() + KEPT_SECONDS,
        };
        self.table.replace(&listener).await?;
        Ok(Admission::Admitted)
    }

    /// Who listens to an item.
    pub async fn of(&self, item: &Key) -> Result<Vec<Listener>, TableError> {
        let of = Condition::equal("pk", partition(item));
        Ok(self.table.query(Query::new(of).consistent().limit(MOST_LISTENERS)).await?.items)
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
        match self.table.update(&listener.key, tell).await {
            Ok(_) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes a connection off its list.
    pub async fn dismiss(&self, listener: &Listener) -> Result<(), TableError> {
        self.table.delete(&listener.key).await?;
        Ok(())
    }
}

fn partition(item: &Key) -> String {
    format!("SOCKETS#{}#{}", item.pk, item.sk)
}
