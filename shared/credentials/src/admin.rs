//! What administrators do: add credentials, list, change, switch off and on, reset, delete and count them.

use std::collections::HashSet;
use std::future::ready;
use std::time::Duration;

use futures::future::try_join_all;
use futures::{StreamExt, stream};
use secrets::{SealError, fingerprint};
use serde::{Deserialize, Serialize};
use table::{
    AttributeValue, Comparison, Condition, Item, Key, Millis, Query, Table, TableError, Transaction, Update, cursor,
    decode, new_nonce,
};
use thiserror::Error;

use crate::audit::Event;
use crate::credential::{Credential, Secret, Status};
use crate::platform::Platform;
use crate::queue::done;
use crate::store::Credentials;

/// How many credentials one transaction adds; the tenth action is the count's. DynamoDB takes 100 actions, its local edition of 2020 only ten.
const BATCH: usize = 9;
/// How often an index is read for one page of a listing of one platform.
const READS: usize = 6;
/// How often for one of all platforms, of which many may have little.
const READS_OF_ALL: usize = 20;
/// How many credentials of a kind are counted.
const COUNTED: usize = 10_000;
/// How far back recovery looks for what has come to its end.
const TIDIED: Duration = Duration::from_mins(10);
/// How many platforms it looks at together, and how many credentials of one.
const TIDIED_AT_ONCE: usize = 8;
/// How many credentials are looked for at once.
const LOOKED_FOR: usize = 100;

/// A credential that is to be added.
pub struct NewCredential {
    /// What it is called.
    pub name: String,
    /// What a scraper signs in with.
    pub secret: Secret,
}

/// A change of a credential; what is none stays as it is.
#[derive(Default)]
pub struct Edit {
    /// A new name.
    pub name: Option<String>,
    /// A new secret.
    pub secret: Option<Secret>,
}

/// A page of credentials.
#[derive(Debug)]
pub struct Listing {
    /// The credentials.
    pub credentials: Vec<Credential>,
    /// Where to go on, if there may be more.
    pub next: Option<String>,
}

/// How a platform's pool stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Statistics {
    /// All credentials.
    pub total: u64,
    /// Free ones.
    pub available: u64,
    /// Those that scrapers hold.
    pub in_use: u64,
    /// Resting ones.
    pub cooldown: u64,
    /// Those that are failed until they are reset.
    pub failed: u64,
    /// Those that are switched off.
    pub disabled: u64,
}

/// Why something was not done.
#[derive(Debug, Error)]
pub enum AdminError {
    /// There is no such credential.
    #[error("no such credential")]
    Missing,
    /// Its state does not allow it.
    #[error("{0}")]
    NotNow(&'static str),
    /// The cursor is not one of ours.
    #[error("the cursor is not one")]
    Cursor,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Position {
    /// The part that is being read, counted over all platforms.
    part: usize,
    /// The last credential read of it: its number, and the sort key of the index.
    after: Option<(u64, u64)>,
}

/// A part of a listing: a range of an index.
struct Part {
    index: &'static str,
    partition: &'static str,
    sort: &'static str,
    platform: String,
    range: Option<(Comparison, Millis)>,
}

#[derive(Deserialize)]
struct Counted {
    status: Status,
}

#[derive(Deserialize)]
struct Count {
    #[serde(default)]
    total: i64,
}

#[derive(Deserialize)]
struct LastId {
    last: u64,
}

/// The numbers that an import has, however often it is sent, and of what it was made: the names, since no secret is kept but sealed.
#[derive(Serialize, Deserialize)]
struct Claimed {
    first: u64,
    platform: String,
    names: String,
}

#[derive(Serialize)]
struct Claim<'import> {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    claimed: &'import Claimed,
}

#[derive(Deserialize)]
struct There {
    id: u64,
}

#[derive(Serialize)]
struct Deletion {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    event: Event,
}

impl Credentials {
    /// Adds credentials of a platform, and gives their numbers. They are added in transactions of nine: where one fails, those before it
    /// are there.
    pub async fn add(&self, platform: &Platform, new: Vec<NewCredential>, by: &str) -> Result<Vec<u64>, AdminError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.numbers(new.len()).await?;
        self.add_from(first, platform, new, by, None).await
    }

    /// The same for an import that may be sent again under its id, and then goes on where it stopped: what is there stays as it is. [`AdminError::NotNow`]
    /// if it was sent before with other credentials.
    pub async fn add_once(
        &self,
        platform: &Platform,
        new: Vec<NewCredential>,
        by: &str,
        import: &str,
    ) -> Result<Vec<u64>, AdminError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let (first, there) = self.claimed(platform, &new, import).await?;
        self.add_from(first, platform, new, by, Some(&there)).await
    }

    /// Adds credentials with these numbers, but for those of an import that are `there`.
    async fn add_from(
        &self,
        first: u64,
        platform: &Platform,
        new: Vec<NewCredential>,
        by: &str,
        there: Option<&HashSet<u64>>,
    ) -> Result<Vec<u64>, AdminError> {
        let ids = (first..).take(new.len()).collect();
        let mut numbered = (first..).zip(new);
        loop {
            let batch: Vec<_> = numbered.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(ids);
            }
            // One that is missing of those that were added together was deleted since.
            if there.is_some_and(|there| batch.iter().any(|(id, _)| there.contains(id))) {
                continue;
            }
            match self.add_batch(platform, batch, by).await {
                // Somebody sends the same import at the same time.
                Err(AdminError::Table(TableError::ConditionFailed(_))) if there.is_some() => {}
                added => added?,
            }
        }
    }

    /// The first of an import's numbers, and those of them that are there.
    async fn claimed(
        &self,
        platform: &Platform,
        new: &[NewCredential],
        import: &str,
    ) -> Result<(u64, HashSet<u64>), AdminError> {
        let key = Key::new(format!("IMPORT#{import}"), "IMPORT");
        // No name has a line break in it, or two lists may be one text: nothing worse comes of it than that they count as the same.
        let names: Vec<_> = new.iter().map(|new| new.name.as_str()).collect();
        let names = fingerprint(&names.join("\n"));
        let mut found: Option<Claimed> = self.table.get(&key).await?;
        if found.is_none() {
            let first = self.numbers(new.len()).await?;
            let claimed = Claimed { first, platform: platform.name.clone(), names: names.clone() };
            match self.table.put(&Claim { key: key.clone(), claimed: &claimed }, Condition::Absent("pk")).await {
                Ok(()) => return Ok((first, HashSet::new())),
                // The numbers that were taken here stay unused.
                Err(TableError::ConditionFailed(_)) => found = self.table.get(&key).await?,
                Err(error) => return Err(error.into()),
            }
        }
        let claimed = found.filter(|claimed| claimed.platform == platform.name && claimed.names == names);
        let claimed = claimed.ok_or(AdminError::NotNow("this import was sent before, with other credentials"))?;
        let keys: Vec<_> = (claimed.first..).take(new.len()).map(Credential::key_of).collect();
        let mut there = HashSet::new();
        for some in keys.chunks(LOOKED_FOR) {
            there.extend(self.table.get_many::<There>(some).await?.into_iter().map(|found| found.id));
        }
        Ok((claimed.first, there))
    }

    /// Takes so many numbers, and gives the first of them.
    async fn numbers(&self, count: usize) -> Result<u64, TableError> {
        let ids = Update::new().add("last", i64::try_from(count).unwrap_or(i64::MAX));
        let LastId { last } = decode(self.table.update(&Key::new("COUNT", "#id"), ids).await?)?;
        Ok(last - count as u64 + 1)
    }

    /// Adds these, and counts them, or nothing.
    async fn add_batch(
        &self,
        platform: &Platform,
        batch: Vec<(u64, NewCredential)>,
        by: &str,
    ) -> Result<(), AdminError> {
        let grown = Update::new().add("total", i64::try_from(batch.len()).unwrap_or(i64::MAX));
        let mut adding = Transaction::new().update(&self.table, &count_of(&platform.name), grown)?;
        for (id, new) in batch {
            let credential = self.credential(platform, id, new, by).await?;
            adding = adding.put(&self.table, &credential, &Condition::Absent("pk"))?;
        }
        Ok(adding.commit(&self.table).await?)
    }

    async fn credential(
        &self,
        platform: &Platform,
        id: u64,
        new: NewCredential,
        by: &str,
    ) -> Result<Created, AdminError> {
        let (now, key) = (self.clock.now(), Credential::key_of(id));
        let event = Event { action: "created".to_owned(), at: now, by: by.to_owned(), detail: None };
        let credential = Credential {
            sealed: self.seal(&key, &new.secret).await?,
            key,
            id,
            pool: platform.name.clone(),
            name: new.name,
            status: Status::Available,
            // Never used: before all that were.
            lease: lease::LeaseState::claimable_from(Millis(0)),
            parked: None,
            parked_at: None,
            failure_count: 0,
            consecutive_failures: 0,
            success_count: 0,
            use_count: 0,
            last_error: None,
            last_used_at: None,
            session_id: None,
            last_holder: None,
            last_report: None,
            policy: None,
            created_at: now,
            updated_at: now,
        };
        Ok(Created { credential, last_event: event.to_text() })
    }

    async fn seal(&self, key: &Key, secret: &Secret) -> Result<String, AdminError> {
        let secret = serde_json::to_vec(secret).map_err(|error| TableError::Broken(error.to_string()))?;
        Ok(self.sealer.seal(&key.pk, &secret).await?)
    }

    /// A credential.
    pub async fn show(&self, id: u64) -> Result<Option<Credential>, TableError> {
        self.table.get(&Credential::key_of(id)).await
    }

    /// Changes a credential.
    pub async fn edit(&self, id: u64, edit: Edit, by: &str) -> Result<Credential, AdminError> {
        let mut change = done("edited", self.clock.now(), by, None);
        if let Some(name) = edit.name {
            change = change.set("name", name);
        }
        if let Some(secret) = &edit.secret {
            change = change.set("sealed", self.seal(&Credential::key_of(id), secret).await?);
        }
        let key = Credential::key_of(id);
        let change = change.set("updated_at", self.clock.now()).when(Condition::Exists("pk"));
        match self.table.update(&key, change).await {
            Ok(item) => Ok(decode(item)?),
            Err(TableError::ConditionFailed(_)) => Err(AdminError::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Switches a credential off; a scraper that holds it loses it.
    pub async fn disable(&self, id: u64, by: &str) -> Result<Credential, AdminError> {
        let now = self.clock.now();
        let change = done("disabled", now, by, None)
            .set("status", Status::Disabled.as_str())
            .copy("parked", "pool")
            .set("parked_at", now)
            .remove("claimable_at")
            .remove("lease_owner");
        self.change(id, change, |_| "").await
    }

    /// Switches a credential on again.
    pub async fn enable(&self, id: u64, by: &str) -> Result<Credential, AdminError> {
        let change = self.freed("enabled", by).when(Condition::equal("status", Status::Disabled.as_str()));
        self.change(id, change, |_| "only a disabled credential can be enabled").await
    }

    /// Makes a failed or resting credential available, its failures forgotten.
    pub async fn reset(&self, id: u64, by: &str) -> Result<Credential, AdminError> {
        let change = self
            .freed("reset", by)
            .set("failure_count", 0_u64)
            .set("consecutive_failures", 0_u64)
            .remove("last_error")
            .when(Condition::OneOf("status", vec![Status::Failed.as_str().into(), Status::Cooldown.as_str().into()]));
        self.change(id, change, |_| "only a failed or resting credential can be reset").await
    }

    /// Takes a credential from the scraper that holds it: from whichever does, or, where the fencing token of a lease is given, from that one alone.
    pub async fn take_back(&self, id: u64, by: &str, lease: Option<u64>) -> Result<Credential, AdminError> {
        let mut change = self.freed("taken back", by).remove("lease_owner").when(Condition::Exists("lease_owner"));
        if let Some(token) = lease {
            change = change.when(Condition::equal("lease_token", token));
        }
        let why = |found: &Credential| {
            let is_held = found.lease.lease_owner.is_some();
            if is_held { "somebody else has it now" } else { "nobody holds this credential" }
        };
        self.change(id, change, why).await
    }

    fn freed(&self, action: &str, by: &str) -> Update {
        let now = self.clock.now();
        done(action, now, by, None)
            .set("status", Status::Available.as_str())
            .set("claimable_at", now)
            .remove("parked")
            .remove("parked_at")
    }

    /// Changes where a credential stands, by a nonce of its own; `not_now` tells of it, as it stands, why that cannot be. An answer may be lost, and what is
    /// tried again then be refused because it was done.
    async fn change(
        &self,
        id: u64,
        change: Update,
        not_now: fn(&Credential) -> &'static str,
    ) -> Result<Credential, AdminError> {
        let (key, nonce) = (Credential::key_of(id), new_nonce());
        let change = change.set("lease_nonce", nonce.as_str()).set("updated_at", self.clock.now());
        match self.table.update(&key, change.when(Condition::Exists("pk"))).await {
            Ok(item) => Ok(decode(item)?),
            Err(TableError::ConditionFailed(_)) => match self.show(id).await? {
                Some(credential) if credential.lease.lease_nonce.as_ref() == Some(&nonce) => Ok(credential),
                Some(found) => Err(AdminError::NotNow(not_now(&found))),
                None => Err(AdminError::Missing),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a credential; its trail stays, and ends with this in `events`.
    pub async fn delete(&self, id: u64, by: &str, events: &Table) -> Result<(), AdminError> {
        let Some(credential) = self.show(id).await? else { return Err(AdminError::Missing) };
        let now = self.clock.now();
        let event = Event { action: "deleted".to_owned(), at: now, by: by.to_owned(), detail: None };
        let key = Key::new(format!("AUDIT#CRED#{id}"), format!("{:013}#deleted", now.0));
        let deleted = Transaction::new()
            .delete(&self.table, &credential.key, &Condition::Exists("pk"))?
            .update(&self.table, &count_of(&credential.pool), Update::new().add("total", -1))?
            .put(events, &Deletion { key, event }, &Condition::Absent("pk"))?
            .commit(&self.table)
            .await;
        match deleted {
            Err(TableError::ConditionFailed(_)) => Err(AdminError::Missing),
            other => Ok(other?),
        }
    }

    /// A page of credentials: of one platform or all, in one status or all.
    pub async fn list(
        &self,
        platform: Option<&str>,
        status: Option<Status>,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Listing, AdminError> {
        let now = self.clock.now();
        let platforms = match platform {
            Some(name) => vec![name.to_owned()],
            None => self.platforms().await?.into_iter().map(|platform| platform.name).collect(),
        };
        let parts: Vec<_> = platforms.iter().flat_map(|platform| parts_of(platform, status, now)).collect();
        let mut at = match after {
            Some(cursor) => cursor::read::<Position>(cursor).ok_or(AdminError::Cursor)?,
            None => Position { part: 0, after: None },
        };
        let mut keys: Vec<Key> = Vec::new();
        for _ in 0..if platform.is_some() { READS } else { READS_OF_ALL } {
            let Some(part) = parts.get(at.part).filter(|_| keys.len() < limit) else { break };
            let after = self.keys_in(part, status, limit, at.after, &mut keys).await?;
            at = match after {
                Some(last) => Position { part: at.part, after: Some(last) },
                None => Position { part: at.part + 1, after: None },
            };
        }
        let found: Vec<Credential> = if keys.is_empty() { Vec::new() } else { self.table.get_many(&keys).await? };
        // The index may be some moments behind.
        let stands = |found: &Credential| status.is_none_or(|wanted| found.status_at(now) == wanted);
        let credentials = found.into_iter().filter(stands).collect();
        let next = if at.part < parts.len() { cursor::write(&at) } else { None };
        Ok(Listing { credentials, next })
    }

    /// Adds the keys of a part's next credentials that stand so, until there are `limit`; gives where to go on, unless the part is read to its end.
    async fn keys_in(
        &self,
        part: &Part,
        status: Option<Status>,
        limit: usize,
        after: Option<(u64, u64)>,
        keys: &mut Vec<Key>,
    ) -> Result<Option<(u64, u64)>, AdminError> {
        let stored = status.filter(|status| *status != Status::Available);
        let start = after.map(|last| part.start(last)).transpose()?.flatten();
        let mut query = part.query().start(start);
        // Where others are between them, as much is read at once as the service gives: a megabyte, some 7,000 entries.
        if stored.is_none() {
            query = query.limit(u32::try_from(limit - keys.len()).unwrap_or(u32::MAX));
        }
        let page = self.table.query_items(query).await?;
        let mut last = None;
        for item in page.items {
            if keys.len() >= limit {
                return Ok(last);
            }
            last = part.position(&item);
            let Counted { status } = decode(item.clone())?;
            if stored.is_none_or(|wanted| wanted == status) {
                keys.push(decode(item)?);
            }
        }
        Ok(page.next.and(last))
    }

    /// How a platform's pool stands. Only what is in use, resting, failed or disabled is counted one by one (up to 10,000 of each), so
    /// the cost does not grow with the size of the pool.
    pub async fn statistics(&self, platform: &str) -> Result<Statistics, TableError> {
        let now = self.clock.now();
        let held = Part::claimable(platform, Some((Comparison::AtLeast, Millis(now.0 + 1))));
        let count: Option<Count> = self.table.get(&count_of(platform)).await?;
        let (held, parked) = (self.statuses(&held).await?, self.statuses(&Part::parked(platform)).await?);
        let of = |statuses: &[Status], status: Status| statuses.iter().filter(|found| **found == status).count() as u64;
        let total = count.map_or(0, |count| u64::try_from(count.total).unwrap_or(0));
        Ok(Statistics {
            total,
            available: total.saturating_sub((held.len() + parked.len()) as u64),
            in_use: of(&held, Status::InUse),
            cooldown: of(&held, Status::Cooldown),
            failed: of(&parked, Status::Failed),
            disabled: of(&parked, Status::Disabled),
        })
    }

    async fn statuses(&self, part: &Part) -> Result<Vec<Status>, TableError> {
        let (mut statuses, mut start) = (Vec::new(), None);
        loop {
            let page = self.table.query::<Counted>(part.query().start(start.take())).await?;
            statuses.extend(page.items.into_iter().map(|counted| counted.status));
            match page.next {
                Some(next) if statuses.len() < COUNTED => start = Some(next),
                _ => return Ok(statuses),
            }
        }
    }

    /// Writes down that leases and cooldowns of the last minutes are over, for those who read the table; nothing depends on it. Gives how
    /// many there were. It stops at `until`; what is left is found again by those that follow, for ten minutes.
    pub async fn tidy(&self, until: Millis) -> Result<usize, TableError> {
        let mut platforms = self.platforms().await?;
        // Where time is short, not always the same ones are left.
        fastrand::shuffle(&mut platforms);
        let tidied: Vec<_> = stream::iter(platforms)
            .take_while(|_| ready(self.clock.now() < until))
            .map(async |platform| self.tidy_platform(&platform.name, until).await)
            .buffer_unordered(TIDIED_AT_ONCE)
            .collect()
            .await;
        // A platform that fails keeps no other from it.
        tidied.into_iter().sum()
    }

    async fn tidy_platform(&self, platform: &str, until: Millis) -> Result<usize, TableError> {
        let now = self.clock.now();
        let over = Condition::All(vec![
            Condition::equal("pool", platform),
            Condition::Between("claimable_at", now.before(TIDIED).into(), now.into()),
        ]);
        let stands = vec![Status::InUse.as_str().into(), Status::Cooldown.as_str().into()];
        let query = Query::new(over).index("claimable").only(Some(Condition::OneOf("status", stands)));
        let (mut tidied, mut start) = (0, None);
        while self.clock.now() < until {
            let page = self.table.query_items(query.clone().start(start)).await?;
            for items in page.items.chunks(TIDIED_AT_ONCE) {
                if self.clock.now() >= until {
                    break;
                }
                let recovered = try_join_all(items.iter().map(|item| self.recover(item, now))).await?;
                tidied += recovered.into_iter().filter(|recovered| *recovered).count();
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok(tidied)
    }

    async fn recover(&self, item: &Item, now: Millis) -> Result<bool, TableError> {
        let key: Key = decode(item.clone())?;
        let Some(seen) = item.get("claimable_at").cloned() else { return Ok(false) };
        let recovered = done("recovered", now, "recovery", None)
            .set("status", Status::Available.as_str())
            .when(Condition::equal("claimable_at", seen));
        match self.table.update(&key, recovered).await {
            Ok(_) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    credential: Credential,
    last_event: String,
}

fn count_of(platform: &str) -> Key {
    Key::new("COUNT", platform)
}

fn parts_of(platform: &str, status: Option<Status>, now: Millis) -> Vec<Part> {
    match status {
        None => vec![Part::claimable(platform, None), Part::parked(platform)],
        Some(Status::Available) => vec![Part::claimable(platform, Some((Comparison::AtMost, now)))],
        Some(Status::InUse | Status::Cooldown) => {
            vec![Part::claimable(platform, Some((Comparison::AtLeast, Millis(now.0 + 1))))]
        }
        Some(Status::Failed | Status::Disabled) => vec![Part::parked(platform)],
    }
}

impl Part {
    fn claimable(platform: &str, range: Option<(Comparison, Millis)>) -> Self {
        Self { index: "claimable", partition: "pool", sort: "claimable_at", platform: platform.to_owned(), range }
    }

    fn parked(platform: &str) -> Self {
        Self { index: "parked", partition: "parked", sort: "parked_at", platform: platform.to_owned(), range: None }
    }

    fn query(&self) -> Query {
        let mut key = vec![Condition::equal(self.partition, self.platform.as_str())];
        key.extend(self.range.map(|(comparison, moment)| Condition::Compare(self.sort, comparison, moment.into())));
        Query::new(Condition::All(key)).index(self.index)
    }

    /// What of a key of this part tells where a listing goes on.
    fn position(&self, key: &Item) -> Option<(u64, u64)> {
        let id = key.get("pk")?.as_s().ok()?.strip_prefix("CRED#")?.parse().ok()?;
        Some((id, key.get(self.sort)?.as_n().ok()?.parse().ok()?))
    }

    /// The key that a listing goes on after; none for the beginning of the part. DynamoDB takes no key outside of the range that is asked
    /// for.
    fn start(&self, (id, sort): (u64, u64)) -> Result<Option<Item>, AdminError> {
        match self.range {
            // What was listed has left the range meanwhile, as leases do that run out.
            Some((Comparison::AtLeast, bound)) if sort < bound.0 => return Ok(None),
            Some((Comparison::AtMost, bound)) if sort > bound.0 => return Err(AdminError::Cursor),
            _ => {}
        }
        let mut key = Credential::key_of(id).into_item();
        key.insert(self.partition.to_owned(), AttributeValue::S(self.platform.clone()));
        key.insert(self.sort.to_owned(), AttributeValue::N(sort.to_string()));
        Ok(Some(key))
    }
}
