//! The proxies of the table `worker`: made, listed, opened, changed, reported on. Each change is one conditional write.

use std::time::Duration;

use futures::future::join_all;
use secrets::{SealError, Sealer};
use serde::Deserialize;
use table::aws::{SdkConfig, SettingError, setting};
use table::cost::RequestMeter;
use table::{Condition, Key, Millis, Query, TableError, Update, decode, new_nonce};
use thiserror::Error;

use crate::health::{HealthPolicy, HealthReport, rested};
use crate::idempotency::{IdempotencyError, IdempotencyKey, Numbering};
use crate::proxy::{Proxy, ProxyFields, Standing, switched};
use crate::records::{Kind, Listing, Order, Part, Records};

/// How often a report is tried again that another writer got in the way of.
const TRIES: usize = 8;
/// How many rests one run of recovery ends at most, and how many at once; the others are the next run's.
const MOST_RESTED: u32 = 500;
const AT_ONCE: usize = 32;

/// Which proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyFilter {
    /// Those of this country, by its two letters in upper case.
    pub country: Option<String>,
    /// Those that may be used now.
    pub active_only: bool,
}

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// There is no such proxy.
    #[error("no such proxy")]
    Missing,
    /// The change changes nothing.
    #[error("nothing to change")]
    Empty,
    /// The idempotency key, or the table.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A password was not sealed, or not opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<TableError> for ProxyError {
    fn from(error: TableError) -> Self {
        Self::Idempotency(error.into())
    }
}

/// The proxies of the table `worker`.
#[derive(Clone)]
pub struct Proxies {
    records: Records,
    sealer: Sealer,
    policy: HealthPolicy,
}

impl Proxies {
    /// Those among `records`, sealed with the KMS key that `WORKER_KEY` names; they rest as `PROXY_ERRORS` and `PROXY_REST_SECONDS` say.
    pub fn from_environment(config: &SdkConfig, records: Records) -> Result<Self, SettingError> {
        let kms = aws_sdk_kms::config::Builder::from(config).interceptor(RequestMeter).build();
        let rest = Duration::from_secs(number("PROXY_REST_SECONDS")?.into());
        Ok(Self {
            records,
            sealer: Sealer::new(aws_sdk_kms::Client::from_conf(kms), setting("WORKER_KEY")?),
            policy: HealthPolicy { errors: number("PROXY_ERRORS")?, rest },
        })
    }

    /// Makes proxies, each with its number. One that is there already stays as it is.
    pub async fn make(&self, new: Vec<(u64, ProxyFields)>, created_at: Millis) -> Result<Vec<Proxy>, ProxyError> {
        let mut proxies = Vec::with_capacity(new.len());
        for (id, fields) in new {
            let sealed = self.sealed(id, &fields).await?;
            proxies.push(fields.at(id, created_at, sealed));
        }
        self.records.make(&proxies).await?;
        Ok(proxies)
    }

    /// Changes a proxy, and gives it as it is now.
    pub async fn change(&self, id: u64, fields: ProxyFields) -> Result<Proxy, ProxyError> {
        let sealed = self.sealed(id, &fields).await?;
        let change = fields.change(self.records.clock.now(), sealed);
        if change.is_empty() {
            return Err(ProxyError::Empty);
        }
        self.records.change(Kind::Proxy, id, change).await?.ok_or(ProxyError::Missing)
    }

    /// Deletes a proxy.
    pub async fn delete(&self, id: u64) -> Result<(), ProxyError> {
        if self.records.table.delete(&Kind::Proxy.key(id)).await? { Ok(()) } else { Err(ProxyError::Missing) }
    }

    /// A page of proxies: those that may be used, the one that has been longest without a rest first, or all, the newest first. None if
    /// `after` is no cursor of ours.
    pub async fn list(
        &self,
        filter: &ProxyFilter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Option<Listing<Proxy>>, TableError> {
        let now = self.records.clock.now();
        let part = filter.part(now);
        let listing = self.records.page::<Proxy>(Kind::Proxy, &part, limit, after).await?;
        Ok(listing.map(|mut listing| {
            listing.records.retain(|proxy| filter.holds(proxy, now));
            listing
        }))
    }

    /// Proxies with their passwords in clear. One whose password cannot be opened is of no use: it is left out, and logged.
    pub async fn opened(&self, proxies: Vec<Proxy>) -> Result<Vec<(Proxy, Option<String>)>, SealError> {
        self.sealer.learn(proxies.iter().filter_map(|proxy| proxy.sealed_password.as_deref())).await?;
        let mut opened = Vec::with_capacity(proxies.len());
        for proxy in proxies {
            match self.password(&proxy).await {
                Ok(password) => opened.push((proxy, password)),
                Err(SealError::Damaged) => tracing::error!(proxy = proxy.id, "its password cannot be opened"),
                Err(error) => return Err(error),
            }
        }
        Ok(opened)
    }

    /// Takes a report. One that comes again with its idempotency key counts once.
    pub async fn report(&self, id: u64, report: HealthReport, key: Option<&IdempotencyKey>) -> Result<(), ProxyError> {
        let nonce = new_nonce();
        let mut write = report.at_once(self.policy, self.records.clock.now());
        for _ in 0..TRIES {
            let now = self.records.clock.now();
            let refused = match key {
                Some(key) => self.take_once(id, write, key, now).await?,
                None => self.take(id, write, &nonce).await?,
            };
            let Some(proxy) = refused else { return Ok(()) };
            write = report.on(&proxy, self.policy, now);
        }
        Err(TableError::Unavailable("the proxy changes faster than it can be written".to_owned()).into())
    }

    /// Makes a write, once however often the SDK repeats it; else gives the proxy that refused it.
    async fn take(&self, id: u64, write: Update, nonce: &str) -> Result<Option<Proxy>, ProxyError> {
        let key = Kind::Proxy.key(id);
        let write = write.set("report_nonce", nonce).when(Condition::other_than("report_nonce", nonce));
        match self.records.table.update(&key, write).await {
            Ok(_) => Ok(None),
            Err(TableError::ConditionFailed(told)) => {
                let item = self.records.table.refused(&key, told).await?.ok_or(ProxyError::Missing)?;
                let proxy: Proxy = decode(item)?;
                // Done, but its answer was lost.
                Ok((proxy.report_nonce.as_deref() != Some(nonce)).then_some(proxy))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a write unless that was done under this key before; gives the proxy if that refused it.
    async fn take_once(
        &self,
        id: u64,
        write: Update,
        key: &IdempotencyKey,
        now: Millis,
    ) -> Result<Option<Proxy>, ProxyError> {
        let table = &self.records.table;
        let taken = self.records.first_time(key, Numbering { first: id, at: now })?;
        match taken.update(table, &Kind::Proxy.key(id), write)?.commit(table).await {
            Ok(()) => Ok(None),
            Err(TableError::ConditionFailed(_)) if self.records.remembered(key, now).await?.is_some() => Ok(None),
            Err(TableError::ConditionFailed(_)) => {
                Ok(Some(self.records.find(Kind::Proxy, id).await?.ok_or(ProxyError::Missing)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn sealed(&self, id: u64, fields: &ProxyFields) -> Result<Option<String>, SealError> {
        match &fields.password {
            Some(password) if !password.0.is_empty() => {
                self.sealer.seal(&Kind::Proxy.key(id).pk, password.0.as_bytes()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn password(&self, proxy: &Proxy) -> Result<Option<String>, SealError> {
        let Some(sealed) = &proxy.sealed_password else { return Ok(None) };
        let password = self.sealer.open(&Kind::Proxy.key(proxy.id).pk, sealed).await?;
        String::from_utf8(password).map(Some).map_err(|_| SealError::Damaged)
    }
}

impl ProxyFilter {
    /// Whether a proxy is one of these: the index may be some moments old.
    fn holds(&self, proxy: &Proxy, now: Millis) -> bool {
        let is_there = self.country.is_none() || self.country == proxy.country;
        is_there && (!self.active_only || proxy.standing(now) == Standing::Active)
    }

    /// The part of an index that has these proxies.
    fn part(&self, now: Millis) -> Part {
        let order = if self.active_only { Order::Claimable(now) } else { Order::Newest };
        let (of, [active, all]) = match &self.country {
            Some(country) => (("country", country.as_str().into()), ["claimable_of_country", "listed_of_country"]),
            None => (("kind", Kind::Proxy.as_str().into()), ["claimable", "listed"]),
        };
        Part { index: if self.active_only { active } else { all }, of, order, only: None }
    }
}

/// An entry of the index `resting`.
#[derive(Deserialize)]
struct Resting {
    #[serde(flatten)]
    key: Key,
    claimable_at: Millis,
}

impl Records {
    /// Switches a proxy on, which forgets its failures and ends its rest, or off, and gives it as it is now; none if there is none.
    pub async fn switch_proxy(&self, id: u64, on: bool) -> Result<Option<Proxy>, TableError> {
        self.change(Kind::Proxy, id, switched(on, self.clock.now())).await
    }

    /// Writes down that proxies' rests are over, those that ended first, up to 500. Nothing depends on it: whoever asks sees that a rest
    /// is over. Gives how many there were.
    pub async fn end_rests(&self) -> Result<usize, TableError> {
        let now = self.clock.now();
        let over = Condition::All(vec![
            Condition::equal("resting", Kind::Proxy.as_str()),
            Condition::at_most("claimable_at", now),
        ]);
        let page = self.table.query::<Resting>(Query::new(over).index("resting").limit(MOST_RESTED)).await?;
        let mut ended = 0;
        for some in page.items.chunks(AT_ONCE) {
            let writes = some.iter().map(|proxy| self.table.update(&proxy.key, rested(proxy.claimable_at, now)));
            for written in join_all(writes).await {
                match written {
                    Ok(_) => ended += 1,
                    // It has worked, failed, or been switched off meanwhile.
                    Err(TableError::ConditionFailed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(ended)
    }
}

fn number(name: &'static str) -> Result<u32, SettingError> {
    let text = setting(name)?;
    text.parse().map_err(|_| SettingError::Unusable(name, text))
}
