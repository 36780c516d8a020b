//! Finding jobs that are to be cleaned away: those that have failed some time ago, or all there are. What a job leaves, and so its deletion, is its
//! context's business.
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | jobs that failed before a moment | `job_kind = KIND-failed`, `redeliver_at` up to the moment | `due` |
//!
//! A job that fails goes to another partition of the index that it is in anyway: it costs one unit more than one that ends well, and a search reads
//! what has failed, not what there is. Children are not found: they go with their parents.

use serde::Deserialize;
use table::{Condition, Item, Key, Millis, Page, Query, TableError, Update};

use crate::desk::Jobs;
use crate::join::CHILD;
use crate::owner::Owner;
use crate::record::Status;

/// How many failed jobs are read at a time.
const PAGE: u32 = 100;

/// A job that was found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
}

impl Jobs {
    /// What the end of a job changes of its place in the index `due`.
    pub(crate) fn out_of_due(&self, owner: &Owner, status: Status, now: Millis) -> Update {
        match owner {
            Owner::Account(_) if status == Status::Failed => {
                Update::new().set("job_kind", self.failed_kind()).set("redeliver_at", now)
            }
            _ => Update::new().remove("redeliver_at"),
        }
    }

    /// A page of the jobs that failed up to a moment, the longest ago first. One request.
    pub async fn failed(&self, until: Millis, start: Option<Item>) -> Result<Page<Found>, TableError> {
        let failed = vec![Condition::equal("job_kind", self.failed_kind()), Condition::at_most("redeliver_at", until)];
        let failed = Query::new(Condition::All(failed)).index("due").limit(PAGE).start(start);
        self.table.query(failed).await
    }

    /// A page of all jobs, children left out: for an operator's tool. It reads the index `by_status` from end to end, half a unit for each 4 KB of it.
    pub async fn every(&self, start: Option<Item>) -> Result<Page<Found>, TableError> {
        let page = self.table.sweep("by_status", start).await?;
        let items: Vec<Found> = page.items.into_iter().map(table::decode).collect::<Result<_, _>>()?;
        Ok(Page {
            items: items.into_iter().filter(|found| !found.key.sk.starts_with(CHILD)).collect(),
            next: page.next,
        })
    }

    /// Marks a job that failed up to a moment as being cleaned away, and gives it; none if it is another's, or not so any more. From then on it is not
    /// taken up again; whoever is interrupted finds it again among those that failed.
    pub async fn begin_cleaning(&self, key: &Key, until: Millis) -> Result<Option<Item>, TableError> {
        let mark = Update::new()
            .set("is_cleaned", true)
            .when(Condition::equal("status", Status::Failed.as_str()))
            .when(Condition::equal("job_kind", self.failed_kind()))
            .when(Condition::at_most("redeliver_at", until));
        match self.table.update(key, mark).await {
            Ok(item) => Ok(Some(item)),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn failed_kind(&self) -> String {
        format!("{}-failed", self.kind)
    }
}
