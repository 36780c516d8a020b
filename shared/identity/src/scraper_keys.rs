//! The scrapers' keys, which administrators list.

use secrets::KeyHash;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Query, TableError, Transaction, Update};

use crate::directory::{Identity, Stored};
use crate::key::{KeyRecord, key_of_api_key, stored_at};

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
            .update(&self.table, &stored_at(&key.hash), revoked())?
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
