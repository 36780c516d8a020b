//! Pages of jobs, and the job of an id.

use std::collections::HashSet;

use jobs::{Jobs, Part, Status, keys_of_id, whole};
use table::{AttributeValue, Condition, Item, Key, Query, TableError, cursor};
use uuid::Uuid;

use super::kind::Kind;
use super::name::JobName;
use super::record::Record;
use super::row::JobRow;
use crate::Operations;
use crate::page::{ListError, Listing, Paging, Place};
use crate::schedules::name::ScheduleName;

/// How many items of the index are read at once beyond a page, where many are parts of few jobs.
const READ: u32 = 1_000;
/// How often, for one page.
const READS: usize = 5;

/// Which jobs of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobFilter {
    /// Those of all tenants that wait or run, by when their message counts as lost: the most neglected first. With those whose parts are at work, by the
    /// most neglected of the parts that the page has met; such a job may come again on a later page.
    Open,
    /// Those of all tenants that rest until the next part of their work, by when that is.
    Resting,
    /// Those of all tenants that were resting and were put aside.
    Paused,
    /// Those of all tenants that failed, the last one first.
    Failed,
    /// Those of one tenant, in any state or in this one, the newest first.
    Of(String, Option<Status>),
}

/// What an id is the id of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A job.
    Job(JobName),
    /// A schedule.
    Schedule(ScheduleName),
}

impl Operations {
    /// A page of jobs of a kind. At most eight requests: up to five of an index, two for the jobs (DynamoDB gives 16 MB at once, and a task may have 300 KB),
    /// and one for what parts have done. Of one tenant two, or four.
    pub async fn jobs(&self, kind: Kind, filter: &JobFilter, paging: Paging<'_>) -> Result<Listing<JobRow>, ListError> {
        match filter {
            JobFilter::Open => Box::pin(self.in_part(kind, Part::Open, paging)).await,
            JobFilter::Resting => Box::pin(self.in_part(kind, Part::Resting, paging)).await,
            JobFilter::Paused => Box::pin(self.in_part(kind, Part::Paused, paging)).await,
            JobFilter::Failed => Box::pin(self.in_part(kind, Part::Failed, paging)).await,
            JobFilter::Of(tenant, status) => Box::pin(self.of_tenant(kind, (tenant, *status), paging)).await,
        }
    }

    /// What has this id, wherever it lies; none if nothing has. Three requests at once. What was made a moment ago may not be found yet.
    pub async fn find(&self, id: Uuid) -> Result<Option<Found>, TableError> {
        let id = id.to_string();
        let (task, portal, video) = tokio::try_join!(
            Box::pin(self.found_in(Kind::Extract, &id)),
            Box::pin(self.found_in(Kind::Portal, &id)),
            Box::pin(self.found_in(Kind::Video, &id))
        )?;
        Ok(task.or(portal).or(video))
    }

    async fn found_in(&self, kind: Kind, id: &str) -> Result<Option<Found>, TableError> {
        let keys = keys_of_id(&self.jobs_of(kind).table, id).await?;
        Ok(keys.iter().find_map(|key| {
            let job = JobName::at(kind, key).map(Found::Job);
            job.or_else(|| ScheduleName::at(kind, key).map(Found::Schedule))
        }))
    }

    async fn in_part(&self, kind: Kind, part: Part, paging: Paging<'_>) -> Result<Listing<JobRow>, ListError> {
        let jobs = self.jobs_of(kind);
        let (keys, next) = keys_in_part(jobs, part, paging).await?;
        let mut records = self.records(kind, &keys).await?;
        // The index may be some moments behind, and a part may have outlived its job.
        records.retain(|record| record.job().status.is_final() == (part == Part::Failed));
        let next = next.and_then(|place| cursor::write(&place));
        Ok(Listing { items: self.rows(kind, &records).await?, next })
    }

    async fn of_tenant(
        &self,
        kind: Kind,
        (tenant, status): (&str, Option<Status>),
        paging: Paging<'_>,
    ) -> Result<Listing<JobRow>, ListError> {
        let after: Option<Uuid> = paging.position()?;
        let pk = kind.partition(tenant);
        let of_tenant = Condition::equal("pk", pk.as_str());
        let start = after.map(|id| Key::new(pk.as_str(), format!("{}{id}", kind.job_prefix())).into_item());
        let query = match status {
            None => {
                let (first, last) = (kind.job_prefix().to_owned(), format!("{}~", kind.job_prefix()));
                let jobs = Condition::Between("sk", first.into(), last.into());
                Query::new(Condition::All(vec![of_tenant, jobs])).start(start)
            }
            Some(status) => {
                let stands = Condition::equal("status", status.as_str());
                let start = start.map(|mut start| {
                    start.insert("status".to_owned(), AttributeValue::S(status.as_str().to_owned()));
                    start
                });
                Query::new(Condition::All(vec![of_tenant, stands])).index("by_status").start(start)
            }
        };
        let page =
            self.jobs_of(kind).table.query_items(query.descending(true).limit(paging.limit()).consistent()).await?;
        let last = page.next.and_then(|last| id_in(kind, &last));
        let records = if status.is_some() {
            let keys: Vec<Key> = page.items.into_iter().map(table::decode).collect::<Result<_, _>>()?;
            self.records(kind, &keys).await?
        } else {
            let records = page.items.into_iter().map(|item| Record::read(kind, item));
            records.collect::<Result<Vec<_>, _>>()?.into_iter().filter(Record::is_there).collect()
        };
        Ok(Listing { items: self.rows(kind, &records).await?, next: last.and_then(|id| cursor::write(&id)) })
    }

    /// The jobs at these keys, in this order, as they were some moments ago, like the index that tells of them; those that are gone are left out.
    pub(crate) async fn records(&self, kind: Kind, keys: &[Key]) -> Result<Vec<Record>, TableError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items: Vec<Item> = self.jobs_of(kind).table.get_many_stale_items(keys).await?;
        let records: Vec<_> = items.into_iter().map(|item| Record::read(kind, item)).collect::<Result<_, _>>()?;
        Ok(records.into_iter().filter(Record::is_there).collect())
    }

    /// Jobs as they are shown, with what their parts have done.
    async fn rows(&self, kind: Kind, records: &[Record]) -> Result<Vec<JobRow>, TableError> {
        let keys: Vec<_> = records.iter().filter_map(|record| record.job().children.clone()).collect();
        let joins = if keys.is_empty() { Vec::new() } else { self.jobs_of(kind).joins(&keys).await? };
        let now = self.clock.now();
        let row = |record: &Record| {
            let children = record.job().children.as_ref();
            JobRow::of(record, joins.iter().find(|join| children == Some(&join.key)), now)
        };
        Ok(records.iter().map(row).collect())
    }

    pub(crate) const fn jobs_of(&self, kind: Kind) -> &Jobs {
        match kind {
            Kind::Extract => &self.jobs,
            Kind::Portal => &self.portals.jobs,
            Kind::Video => &self.videos.jobs,
        }
    }
}

/// The keys of the jobs of a page, each once, and where the next one goes on.
async fn keys_in_part(jobs: &Jobs, part: Part, paging: Paging<'_>) -> Result<(Vec<Key>, Option<Place>), ListError> {
    let mut at = paging.place()?;
    let (mut keys, mut seen) = (Vec::new(), HashSet::new());
    let mut read = paging.limit();
    for _ in 0..READS {
        let after = at.as_ref().map(|place| (&place.key, place.at));
        let (items, more) = jobs.part(part, read, after).await?;
        for item in items {
            let job = whole(&item.key);
            at = Some(Place { key: item.key, at: item.due_at });
            if seen.insert(job.clone()) {
                keys.push(job);
            }
            if keys.len() >= paging.limit() as usize {
                return Ok((keys, at));
            }
        }
        if !more {
            return Ok((keys, None));
        }
        read = READ;
    }
    Ok((keys, at))
}

/// The id of the job that a query ended with.
fn id_in(kind: Kind, last: &Item) -> Option<Uuid> {
    last.get("sk")?.as_s().ok()?.strip_prefix(kind.job_prefix())?.parse().ok()
}
