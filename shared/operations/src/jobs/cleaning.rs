//! Cleaning away jobs: what failed some time ago, or everything.
//!
//! What failed is found by an index that holds that alone: a query for each hundred, and for each job what its deletion costs. For everything the index
//! of states is read from end to end. Whatever is interrupted is found again.

use std::pin::pin;

use extract::UpdateError;
use futures::{StreamExt, future, stream};
use jobs::Found;
use serde::Serialize;
use table::{Item, Key, Millis, Page, TableError};
use thiserror::Error;

use super::kind::Kind;
use crate::Operations;
use crate::audit::{Action, Outcome as Entered, Told};
use crate::operator::Operator;

/// How many jobs are deleted at once.
const AT_ONCE: usize = 8;
/// How many jobs are named that would be deleted.
const NAMED: usize = 10;

/// What came of cleaning jobs of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many were found.
    pub found: u64,
    /// How many of them were deleted.
    pub deleted: u64,
    /// How many could not be; the log says why. They are found again.
    pub not_deleted: u64,
    /// The first of those that are only counted: the sort keys of their items.
    pub first: Vec<String>,
}

/// Why a job was not deleted.
#[derive(Debug, Error)]
enum Obstacle {
    #[error(transparent)]
    Task(#[from] UpdateError),
    #[error(transparent)]
    Portal(#[from] portals::DeleteError),
    #[error(transparent)]
    Video(#[from] videos::DeleteError),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Which jobs.
#[derive(Clone, Copy)]
enum Which {
    FailedUntil(Millis),
    All,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            found: self.found + more.found,
            deleted: self.deleted + more.deleted,
            not_deleted: self.not_deleted + more.not_deleted,
            first: self.first.into_iter().chain(more.first).take(NAMED).collect(),
        }
    }

    fn only_count(&mut self, jobs: Vec<Found>) {
        self.found += jobs.len() as u64;
        let room = NAMED.saturating_sub(self.first.len());
        self.first.extend(jobs.into_iter().take(room).map(|found| found.key.sk));
    }

    fn count(&mut self, kind: Kind, key: &Key, deleted: Result<bool, Obstacle>) {
        self.found += 1;
        match deleted {
            Ok(deleted) => self.deleted += u64::from(deleted),
            Err(error) => {
                tracing::warn!(%error, kind = kind.as_str(), job = key.sk, "a job was not deleted");
                self.not_deleted += 1;
            }
        }
    }
}

impl Told for Tally {
    fn told(&self) -> (Entered, Option<String>) {
        let Self { found, deleted, not_deleted, .. } = self;
        let outcome = if *not_deleted > 0 { Entered::Failed } else { Entered::Done };
        (outcome, Some(format!("{deleted} of {found} deleted")))
    }
}

impl Operations {
    /// Deletes the jobs of a kind that failed up to a moment, with what they left, or only counts them; it stops at `deadline`, if there is one. As a
    /// deployment does by itself: no operator is told of.
    pub async fn clean_failed(
        &self,
        kind: Kind,
        until: Millis,
        deadline: Option<Millis>,
        dry_run: bool,
    ) -> Result<Tally, TableError> {
        Box::pin(self.clean(kind, Which::FailedUntil(until), deadline, dry_run)).await
    }

    /// Deletes the jobs of a kind that failed up to a moment for an operator, with what they left, or only counts them.
    pub async fn clean_failed_for(
        &self,
        by: &Operator,
        kind: Kind,
        until: Millis,
        dry_run: bool,
    ) -> Result<Tally, TableError> {
        self.clean_for(
            by,
            (kind, Which::FailedUntil(until)),
            &format!("{}/failed until {until}", kind.as_str()),
            dry_run,
        )
        .await
    }

    /// Deletes all jobs of a kind for an operator, with what they left; those that have not ended are cancelled first. Or only counts them.
    pub async fn clear_all(&self, by: &Operator, kind: Kind, dry_run: bool) -> Result<Tally, TableError> {
        self.clean_for(by, (kind, Which::All), &format!("{}/all", kind.as_str()), dry_run).await
    }

    async fn clean_for(
        &self,
        by: &Operator,
        (kind, which): (Kind, Which),
        on: &str,
        dry_run: bool,
    ) -> Result<Tally, TableError> {
        if dry_run {
            return Box::pin(self.clean(kind, which, None, true)).await;
        }
        let asked = self.audit.asked(by, Action::CleanJobs, on).await?;
        asked.told(Box::pin(self.clean(kind, which, None, false)).await).await
    }

    async fn clean(
        &self,
        kind: Kind,
        which: Which,
        deadline: Option<Millis>,
        dry_run: bool,
    ) -> Result<Tally, TableError> {
        let (mut tally, mut start) = (Tally::default(), None);
        let is_over = || deadline.is_some_and(|deadline| self.clock.now() >= deadline);
        loop {
            let page = self.page(kind, which, start).await?;
            // An index of jobs' states holds what is no job of theirs, too.
            let jobs: Vec<_> =
                page.items.into_iter().filter(|found| found.key.sk.starts_with(kind.job_prefix())).collect();
            if dry_run {
                tally.only_count(jobs);
            } else {
                let deletions = stream::iter(jobs)
                    .take_while(|_| future::ready(!is_over()))
                    .map(async |Found { key }| (Box::pin(self.delete(kind, &key, which)).await, key));
                let mut deletions = pin!(deletions.buffer_unordered(AT_ONCE));
                while let Some((deleted, key)) = deletions.next().await {
                    tally.count(kind, &key, deleted);
                }
            }
            start = page.next;
            if start.is_none() || is_over() {
                return Ok(tally);
            }
        }
    }

    async fn page(&self, kind: Kind, which: Which, start: Option<Item>) -> Result<Page<Found>, TableError> {
        match which {
            Which::FailedUntil(until) => self.jobs_of(kind).failed(until, start).await,
            Which::All => self.jobs_of(kind).every(start).await,
        }
    }

    async fn delete(&self, kind: Kind, key: &Key, which: Which) -> Result<bool, Obstacle> {
        Ok(match (kind, which) {
            (Kind::Extract, Which::FailedUntil(until)) => self.tasks.clean(key, until, &self.results).await?,
            (Kind::Extract, Which::All) => self.tasks.remove(key, &self.results).await?,
            (Kind::Portal, Which::FailedUntil(until)) => self.portals.clean(key, until, &self.results).await?,
            (Kind::Portal, Which::All) => self.portals.remove(key, &self.results).await?,
            (Kind::Video, Which::FailedUntil(until)) => self.videos.clean(key, until).await?,
            (Kind::Video, Which::All) => self.videos.remove(key).await?,
        })
    }
}
