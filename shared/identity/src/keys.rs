//! API keys: found by their hash, listed by their owner.
//!
//! A key's item is its only record. What lists it names its hash and nothing else, so that the two cannot differ.

use std::time::Duration;

use secrets::{ApiKey, KeyHash};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Query, TableError, Transaction, Update};
use thiserror::Error;

use crate::directory::{Identity, Stored};
use crate::key::{KeyKind, KeyRecord, key_of_api_key, stored_at};
use crate::user::{User, key_of_user, partition_of_user};

/// How many keys that work a user may have at once.
pub const MOST_KEYS: u64 = 50;

/// How long a warm function trusts what it knows of a key and its owner: so long, at most, a deactivated one still works.
const TRUSTED: Duration = Duration::from_secs(30);
/// How many keys a warm function remembers.
const REMEMBERED: usize = 1_000;
/// How old the note of a key's last use may grow before it is written anew.
const USE_NOTED_EVERY: Duration = Duration::from_mins(5);
/// How long a key that works no more is listed.
const KEPT_INACTIVE: Duration = Duration::from_hours(90 * 24);

/// What a process knows of a key.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    record: KeyRecord,
    /// Of the extraction cloud's keys: who must be active too.
    owner: Option<User>,
    until: Millis,
}

/// A key of the extraction cloud that works, with whose it is.
#[derive(Clone, Debug)]
pub struct CloudKey {
    /// The key.
    pub record: KeyRecord,
    /// Its owner.
    pub owner: User,
    /// The key's hash, where its use should be noted: see [`Identity::note_use`].
    pub unnoted: Option<KeyHash>,
}

/// Why a key was not added.
#[derive(Debug, Error)]
pub enum AddKeyError {
    /// The user has as many as they may.
    #[error("a user may have {MOST_KEYS} keys that work; delete one first")]
    TooMany,
    /// There is no such user, or they may not call.
    #[error("there is no such user, or they are deactivated")]
    NoUser,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What lists a user's key.
#[derive(Serialize, Deserialize)]
struct Listed {
    hash: String,
}

impl Identity {
    /// The active key that was presented, if it is one, with its owner active where it has one. A warm function asks the table every 30 seconds.
    pub async fn find_key(&self, presented: &ApiKey) -> Result<Option<KeyRecord>, TableError> {
        Ok(self.look_up(&presented.hash()).await?.map(|known| known.record))
    }

    /// The active key of the extraction cloud that was presented, if it is one.
    pub async fn find_cloud_key(&self, presented: &ApiKey) -> Result<Option<CloudKey>, TableError> {
        let (hash, now) = (presented.hash(), self.clock.now());
        let Some(Known { record, owner: Some(owner), .. }) = self.look_up(&hash).await? else { return Ok(None) };
        let is_due = record.last_used_at.is_none_or(|noted| noted.after(USE_NOTED_EVERY) <= now);
        // Of several requests at once one notes the use.
        let unnoted = is_due
            && self.known().get_mut(&hash).is_some_and(|known| {
                let is_first = known.record.last_used_at == record.last_used_at;
                known.record.last_used_at = Some(now);
                is_first
            });
        Ok(Some(CloudKey { record, owner, unnoted: unnoted.then_some(hash) }))
    }

    /// Notes that a key is in use: at most one write for each key in five minutes, however many functions see it used.
    pub async fn note_use(&self, hash: &KeyHash) -> Result<(), TableError> {
        let now = self.clock.now();
        let before = Millis(now.0.saturating_sub(u64::try_from(USE_NOTED_EVERY.as_millis()).unwrap_or(u64::MAX)));
        let is_due =
            Condition::Any(vec![Condition::Absent("last_used_at"), Condition::at_most("last_used_at", before)]);
        let note = Update::new().set("last_used_at", now).when(Condition::Exists("pk")).when(is_due);
        match self.table.update(&key_of_api_key(hash), note).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn look_up(&self, hash: &KeyHash) -> Result<Option<Known>, TableError> {
        let now = self.clock.now();
        if let Some(known) = self.known().get(hash)
            && now < known.until
        {
            return Ok(Some(known.clone()));
        }
        let found: Option<KeyRecord> = self.table.get_stale(&key_of_api_key(hash)).await?;
        let Some(mut record) = found.filter(|record| record.is_active) else { return Ok(None) };
        let owner = match record.kind {
            KeyKind::Cloud => {
                let owner: Option<User> = self.table.get_stale(&key_of_user(&record.user_id)).await?;
                let Some(owner) = owner.filter(|owner| owner.is_active) else { return Ok(None) };
                record.is_operator = owner.is_operator;
                Some(owner)
            }
            KeyKind::Scraper | KeyKind::Worker | KeyKind::Video => None,
        };
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let new = Known { record, owner, until: now.after(TRUSTED) };
        known.insert(hash.clone(), new.clone());
        Ok(Some(new))
    }

    /// Adds a key, to be found by `hash`; one of the extraction cloud is listed and counted too.
    pub async fn add_key(&self, hash: &KeyHash, record: &KeyRecord) -> Result<(), AddKeyError> {
        let stored = Stored { key: key_of_api_key(hash), item: record };
        if record.kind != KeyKind::Cloud {
            return Ok(self.table.put(&stored, Condition::Absent("pk")).await?);
        }
        let listed = Listed { hash: hash.as_str().to_owned() };
        let listed = Stored { key: key_in_list(&record.user_id, &record.id), item: &listed };
        let fits = Condition::Any(vec![Condition::Absent("keys"), Condition::at_most("keys", MOST_KEYS - 1)]);
        let counted = Update::new()
            .add("keys", 1)
            .when(Condition::Exists("pk"))
            .when(Condition::other_than("is_active", false))
            .when(fits);
        let added = Transaction::new()
            .put(&self.table, &stored, &Condition::Absent("pk"))?
            .put(&self.table, &listed, &Condition::Absent("pk"))?
            .update(&self.table, &key_of_user(&record.user_id), counted)?
            .commit(&self.table)
            .await;
        match added {
            Err(TableError::ConditionFailed(told)) if told.last().is_some_and(Option::is_some) => {
                let user = self.find_user(&record.user_id).await?;
                Err(if user.is_some_and(|user| user.is_active) { AddKeyError::TooMany } else { AddKeyError::NoUser })
            }
            other => Ok(other?),
        }
    }

    /// A page of a user's keys, newest first, after the key with the id `after`; those that work no more are among them for 90 days.
    pub async fn keys_of(&self, user: &str, limit: u32, after: Option<&str>) -> Result<Vec<KeyRecord>, TableError> {
        let keys = Condition::Between("sk", "APIKEY#".into(), "APIKEY#~".into());
        let query = Query::new(Condition::All(vec![Condition::equal("pk", partition_of_user(user)), keys]));
        let start = after.map(|id| key_in_list(user, id).into_item());
        let page = self.table.query::<Listed>(query.consistent().descending(true).limit(limit).start(start)).await?;
        let keys: Vec<_> = page.items.iter().map(|listed| stored_at(&listed.hash)).collect();
        if keys.is_empty() { Ok(Vec::new()) } else { self.table.get_many(&keys).await }
    }

    /// Makes a user's key work no more, and says whether there is such a key. Another warm function may take it for 30 seconds more.
    pub async fn deactivate_key(&self, user: &str, id: &str) -> Result<bool, TableError> {
        let in_list = key_in_list(user, id);
        let Some(Listed { hash }) = self.table.get(&in_list).await? else { return Ok(false) };
        self.known().retain(|known, _| known.as_str() != hash);
        let gone = self.clock.now().after(KEPT_INACTIVE).epoch_seconds();
        let off =
            Update::new().set("is_active", false).set("expires_at", gone).when(Condition::equal("is_active", true));
        let done = Transaction::new()
            .update(&self.table, &stored_at(&hash), off)?
            .update(&self.table, &in_list, Update::new().set("expires_at", gone).when(Condition::Exists("pk")))?
            .update(&self.table, &key_of_user(user), Update::new().add("keys", -1).when(Condition::Exists("pk")))?
            .commit(&self.table)
            .await;
        match done {
            // It works no more already.
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn key_in_list(user: &str, id: &str) -> Key {
    Key::new(partition_of_user(user), format!("APIKEY#{id}"))
}
