//! Pages of a tenant's jobs and videos.
//!
//! A page is found by its offset, so what lies before it is read: of jobs whole, of videos the entries of an index, a few hundred bytes each. What an
//! index is not sorted by is filtered here, as DynamoDB's filters would read and charge for the same. How much is read has a bound.

use futures::future::try_join;
use jobs::Status;
use serde::Deserialize;
use table::{Condition, Item, Key, Query, TableError, decode};
use thiserror::Error;

use crate::keys::{JOB, Keyed, partition, source};
use crate::order::Mode;
use crate::store::{Shown, VideoJob, VideoJobs};
use crate::video::{Stage, Video, VideoStatus};

/// How many jobs or videos are read for one page, at most.
const EXAMINED: usize = 10_000;

/// Which videos.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of jobs of this mode.
    pub mode: Option<Mode>,
    /// Of jobs of this value, in whatever case.
    pub value: Option<String>,
    /// By this author, in whatever case.
    pub author_username: Option<String>,
    /// With this hashtag, in whatever case.
    pub hashtag: Option<String>,
    /// That stand so.
    pub status: Option<VideoStatus>,
}

/// A page of jobs.
pub type JobPage = Vec<Shown>;

/// A page of videos.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoPage {
    /// How many there are on all pages.
    pub total: u64,
    /// Those of this page.
    pub videos: Vec<Video>,
}

/// Why there is no such page.
#[derive(Debug, Error)]
pub enum ListError {
    /// Too much would have to be read for it.
    #[error("more than {EXAMINED} would have to be read; narrow it by value, or ask for a smaller offset")]
    TooFar,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What the indexes hold of a video.
#[derive(Clone, Debug, Deserialize)]
struct Listed {
    #[serde(flatten)]
    key: Key,
    status: Status,
    #[serde(default)]
    stage: Option<Stage>,
    mode: Mode,
    #[serde(default)]
    author_key: Option<String>,
    #[serde(default)]
    hashtag_keys: Vec<String>,
}

impl Filter {
    /// Whether anything is left out that the index does not leave out.
    fn is_empty(&self) -> bool {
        *self == Self { value: self.value.clone(), ..Self::default() }
    }

    fn admits(&self, video: &Listed) -> bool {
        let same = |asked: &Option<String>, found: Option<&String>| {
            asked.as_ref().is_none_or(|asked| found.is_some_and(|found| *found == asked.to_lowercase()))
        };
        let has_hashtag = |asked: &String| video.hashtag_keys.contains(&asked.trim_start_matches('#').to_lowercase());
        self.mode.is_none_or(|mode| mode == video.mode)
            && same(&self.author_username, video.author_key.as_ref())
            && self.hashtag.as_ref().is_none_or(has_hashtag)
            && self.status.is_none_or(|status| status == VideoStatus::of(video.status, video.stage))
    }
}

impl VideoJobs {
    /// A page of a tenant's jobs, the newest first: `limit` of them after `offset`, of this status if any.
    pub async fn list(
        &self,
        tenant: &str,
        status: Option<Status>,
        limit: usize,
        offset: usize,
    ) -> Result<JobPage, ListError> {
        if offset.saturating_add(limit) > EXAMINED {
            return Err(ListError::TooFar);
        }
        let jobs = match status {
            None => self.newest(tenant, limit, offset, is_there).await?,
            Some(status) => self.of_status(tenant, status, limit, offset).await?,
        };
        Ok(self.with_joins(jobs).await?)
    }

    async fn newest(
        &self,
        tenant: &str,
        limit: usize,
        offset: usize,
        wanted: impl Fn(&Item) -> bool,
    ) -> Result<Vec<VideoJob>, TableError> {
        let jobs = Condition::Between("sk", JOB.into(), format!("{JOB}~").into());
        let jobs = Query::new(Condition::All(vec![Condition::equal("pk", partition(tenant)), jobs]));
        let found = self.first(jobs.consistent().descending(true), offset + limit, wanted).await?;
        found.into_iter().skip(offset).map(decode).collect()
    }

    /// The index says which have the status, in no order that could be relied on: all their keys are read, and put in that of their ids, which is that of
    /// time. A status that very many have is soon found among the newest.
    async fn of_status(
        &self,
        tenant: &str,
        status: Status,
        limit: usize,
        offset: usize,
    ) -> Result<Vec<VideoJob>, TableError> {
        let jobs = vec![Condition::equal("pk", partition(tenant)), Condition::equal("status", status.as_str())];
        let jobs = Query::new(Condition::All(jobs)).index("by_status").consistent();
        let found = self.first(jobs, EXAMINED + 1, |_| true).await?;
        if found.len() > EXAMINED {
            let stands_so = Condition::equal("status", status.as_str());
            return self.newest(tenant, limit, offset, |job| is_there(job) && stands_so.holds(job)).await;
        }
        let mut keys = found.into_iter().map(decode::<Keyed>).collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable_by(|one, other| other.key.sk.cmp(&one.key.sk));
        let keys: Vec<_> = keys.into_iter().skip(offset).take(limit).map(|job| job.key).collect();
        let mut jobs: Vec<VideoJob> = self.items(&keys).await?;
        jobs.retain(|job| !job.deleted);
        Ok(jobs)
    }

    /// The first so many items of a query that `wanted` admits.
    async fn first(&self, query: Query, count: usize, wanted: impl Fn(&Item) -> bool) -> Result<Vec<Item>, TableError> {
        let mut query = query.limit(u32::try_from(count).unwrap_or(u32::MAX));
        let mut found = Vec::new();
        loop {
            let page = self.jobs.table.query_items(query.clone()).await?;
            found.extend(page.items.into_iter().filter(&wanted));
            match page.next {
                Some(next) if found.len() < count => query = query.start(Some(next)),
                _ => break,
            }
        }
        found.truncate(count);
        Ok(found)
    }

    /// A page of a tenant's videos, the newest job's first: `limit` of them after `offset`. A video that was found or has moved just now may be shown a
    /// moment later.
    pub async fn list_videos(
        &self,
        tenant: &str,
        filter: &Filter,
        limit: usize,
        offset: usize,
    ) -> Result<VideoPage, ListError> {
        if offset.saturating_add(limit) > EXAMINED {
            return Err(ListError::TooFar);
        }
        let (keys, total) = if filter.is_empty() && filter.value.is_none() {
            let keys = Box::pin(self.some_of_all(tenant, limit, offset));
            let (keys, overview) = try_join(keys, Box::pin(self.overview(tenant))).await?;
            (keys, u64::try_from(overview.counts.videos).unwrap_or(0))
        } else {
            self.filtered(tenant, filter, limit, offset).await?
        };
        Ok(VideoPage { total, videos: self.items(&keys).await? })
    }

    async fn some_of_all(&self, tenant: &str, limit: usize, offset: usize) -> Result<Vec<Key>, TableError> {
        let all = Query::new(Condition::equal("listed_by", tenant)).index("listed").descending(true);
        let found = self.first(all, offset + limit, |_| true).await?;
        found.into_iter().skip(offset).map(|item| Ok(decode::<Keyed>(item)?.key)).collect()
    }

    /// The keys of a page, and how many there are: what the index holds is read to its end.
    async fn filtered(
        &self,
        tenant: &str,
        filter: &Filter,
        limit: usize,
        offset: usize,
    ) -> Result<(Vec<Key>, u64), ListError> {
        let query = match &filter.value {
            Some(value) => {
                let value = value.trim_start_matches(['@', '#']);
                Query::new(Condition::equal("source", source(tenant, value))).index("by_source")
            }
            None => Query::new(Condition::equal("listed_by", tenant)).index("listed"),
        };
        let mut query = query.descending(true);
        let (mut keys, mut total, mut examined) = (Vec::new(), 0, 0);
        loop {
            let page = self.jobs.table.query::<Listed>(query.clone()).await?;
            examined += page.items.len();
            for video in page.items.into_iter().filter(|video| filter.admits(video)) {
                total += 1;
                if total > offset && keys.len() < limit {
                    keys.push(video.key);
                }
            }
            match page.next {
                Some(_) if examined >= EXAMINED => return Err(ListError::TooFar),
                Some(next) => query = query.start(Some(next)),
                None => return Ok((keys, total as u64)),
            }
        }
    }
}

/// Whether a job is not deleted.
fn is_there(job: &Item) -> bool {
    Condition::Absent("deleted").holds(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_admit_what_satisfies_them_all() {
        let video = Listed {
            key: Key::new("JOIN#1#a#b", "CHILD#000001"),
            status: Status::Completed,
            stage: None,
            mode: Mode::Profile,
            author_key: Some("khaby.lame".to_owned()),
            hashtag_keys: vec!["funny".to_owned(), "comedy".to_owned()],
        };
        let text = |text: &str| Some(text.to_owned());
        for (filter, admitted) in [
            (Filter::default(), true),
            (Filter { mode: Some(Mode::Profile), ..Filter::default() }, true),
            (Filter { mode: Some(Mode::Hashtag), ..Filter::default() }, false),
            (Filter { author_username: text("Khaby.Lame"), ..Filter::default() }, true),
            (Filter { author_username: text("khaby"), ..Filter::default() }, false),
            (Filter { hashtag: text("#Comedy"), ..Filter::default() }, true),
            (Filter { hashtag: text("come"), ..Filter::default() }, false),
            (Filter { status: Some(VideoStatus::Uploaded), hashtag: text("funny"), ..Filter::default() }, true),
            (Filter { status: Some(VideoStatus::Failed), hashtag: text("funny"), ..Filter::default() }, false),
        ] {
            assert_eq!(filter.admits(&video), admitted, "{filter:?}");
        }
    }
}
