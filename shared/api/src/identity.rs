//! Users and their API keys, in the table `identity`.
//!
//! | pattern | key condition |
//! |---|---|
//! | the key that hashes to `hash` | `pk = KEY#hash`, `sk = KEY` |
//! | a user | `pk = USER#user`, `sk = PROFILE` |
//! | the scrapers' keys, in the order they were made | `pk = SCRAPERS`, `sk` is the key's id |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use secrets::{ApiKey, KeyHash};
use serde::{Deserialize, Serialize};
use table::{Clock, Condition, Key, Millis, Query, Table, TableError, Transaction, Update};

/// How long a warm function trusts what it knows of a key: so long, at most, a deactivated one still works.
const TRUSTED: Duration = Duration::from_secs(30);
/// How many keys a warm function remembers.
const REMEMBERED: usize = 1_000;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// See tasks and their logs.
    #[serde(rename = "tasks:read")]
    TasksRead,
    /// Create tasks.
    #[serde(rename = "tasks:create")]
    TasksCreate,
    /// Change tasks.
    #[serde(rename = "tasks:update")]
    TasksUpdate,
    /// Cancel and delete tasks.
    #[serde(rename = "tasks:delete")]
    TasksDelete,
    /// Download results.
    #[serde(rename = "results:read")]
    ResultsRead,
    /// Manage API keys.
    #[serde(rename = "keys:manage")]
    KeysManage,
    /// Manage the subscription.
    #[serde(rename = "billing:manage")]
    BillingManage,
    /// See usage.
    #[serde(rename = "analytics:read")]
    AnalyticsRead,
}

impl Permission {
    /// Every permission with its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("tasks:read", Self::TasksRead),
        ("tasks:create", Self::TasksCreate),
        ("tasks:update", Self::TasksUpdate),
        ("tasks:delete", Self::TasksDelete),
        ("results:read", Self::ResultsRead),
        ("keys:manage", Self::KeysManage),
        ("billing:manage", Self::BillingManage),
        ("analytics:read", Self::AnalyticsRead),
    ];

    /// The permission as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, permission)| *permission == self).map_or("", |(name, _)| name)
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id, a UUID.
    pub id: String,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub full_name: String,
    /// Whether they run this deployment.
    pub is_operator: bool,
    /// Since when they are a user.
    pub created_at: Millis,
}

/// Which API a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The extraction cloud.
    #[default]
    Cloud,
    /// The credential queue.
    Scraper,
    /// The worker API.
    Worker,
}

/// A key as it is stored, with what a request needs to know of its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The key's id, a UUID.
    pub id: String,
    /// Which API it is for.
    #[serde(default)]
    pub kind: KeyKind,
    /// Whose it is.
    pub user_id: String,
    /// Whether the owner runs this deployment.
    pub is_operator: bool,
    /// What the owner calls it.
    pub name: String,
    /// Its first characters.
    pub preview: String,
    /// What it may be used for.
    pub permissions: Vec<Permission>,
    /// Whether it works.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Millis,
}

#[derive(Serialize)]
struct Stored<'item, T> {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    item: &'item T,
}

/// The users and keys.
#[derive(Clone, Debug)]
pub struct Identity {
    table: Table,
    clock: Clock,
    known: Arc<Mutex<HashMap<KeyHash, (KeyRecord, Millis)>>>,
}

impl Identity {
    /// The users and keys in `table`.
    #[must_use]
    pub fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock, known: Arc::default() }
    }

    /// The active key that was presented, if it is one. A warm function asks the table every 30 seconds.
    pub async fn find_key(&self, presented: &ApiKey) -> Result<Option<KeyRecord>, TableError> {
        let (hash, now) = (presented.hash(), self.clock.now());
        if let Some((record, until)) = self.known().get(&hash)
            && now < *until
        {
            return Ok(Some(record.clone()));
        }
        let found: Option<KeyRecord> = self.table.get_stale(&key_of_api_key(&hash)).await?;
        let Some(record) = found.filter(|record| record.is_active) else { return Ok(None) };
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(hash, (record.clone(), now.after(TRUSTED)));
        Ok(Some(record))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<KeyHash, (KeyRecord, Millis)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user.
    pub async fn find_user(&self, id: &str) -> Result<Option<User>, TableError> {
        self.table.get(&key_of_user(id)).await
    }

    /// Adds a user.
    pub async fn add_user(&self, user: &User) -> Result<(), TableError> {
        let stored = Stored { key: key_of_user(&user.id), item: user };
        self.table.put(&stored, Condition::Absent("pk")).await
    }

    /// Adds a key, to be found by `hash`.
    pub async fn add_key(&self, hash: &KeyHash, record: &KeyRecord) -> Result<(), TableError> {
        let stored = Stored { key: key_of_api_key(hash), item: record };
        self.table.put(&stored, Condition::Absent("pk")).await
    }
}

/// The key that a header of its own presents; none if it cannot be one.
pub(crate) fn presented_key(headers: &HeaderMap, header: &HeaderName) -> Option<ApiKey> {
    let presented = headers.get(header)?.to_str().ok()?;
    let plausible = (8..=128).contains(&presented.len()) && presented.bytes().all(|byte| byte.is_ascii_graphic());
    plausible.then(|| ApiKey::presented(presented))
}

/// A scraper's key, as administrators list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScraperKey {
    /// The hash that it is found by.
    hash: String,
    /// The key.
    #[serde(flatten)]
    pub record: KeyRecord,
}

impl Identity {
    /// Adds a scraper's key, to be found by `hash`, and listed.
    pub async fn add_scraper_key(&self, hash: &KeyHash, record: &KeyRecord) -> Result<(), TableError> {
        let listed = ScraperKey { hash: hash.as_str().to_owned(), record: record.clone() };
        Transaction::new()
            .put(&self.table, &Stored { key: key_of_api_key(hash), item: record }, &Condition::Absent("pk"))?
            .put(&self.table, &Stored { key: key_of_scraper(&record.id), item: &listed }, &Condition::Absent("pk"))?
            .commit(&self.table)
            .await
    }

    /// A page of the scrapers' keys, after the key with the id `after`.
    pub async fn scraper_keys(&self, limit: u32, after: Option<&str>) -> Result<Vec<ScraperKey>, TableError> {
        let start = after.map(|id| key_of_scraper(id).into_item());
        let query = Query::new(Condition::equal("pk", SCRAPERS)).limit(limit).start(start);
        Ok(self.table.query(query).await?.items)
    }

    /// Makes a scraper's key work no more; says whether there is such a key. A warm function may take it for 30 seconds more.
    pub async fn revoke_scraper_key(&self, id: &str) -> Result<bool, TableError> {
        let Some(key) = self.table.get::<ScraperKey>(&key_of_scraper(id)).await? else { return Ok(false) };
        let revoked = || Update::new().set("is_active", false).when(Condition::Exists("pk"));
        Transaction::new()
            .update(&self.table, &Key::new(format!("KEY#{}", key.hash), "KEY"), revoked())?
            .update(&self.table, &key_of_scraper(id), revoked())?
            .commit(&self.table)
            .await?;
        Ok(true)
    }
}

const SCRAPERS: &str = "SCRAPERS";

fn key_of_scraper(id: &str) -> Key {
    Key::new(SCRAPERS, id)
}

fn key_of_api_key(hash: &KeyHash) -> Key {
    Key::new(format!("KEY#{}", hash.as_str()), "KEY")
}

fn key_of_user(id: &str) -> Key {
    Key::new(format!("USER#{id}"), "PROFILE")
}
