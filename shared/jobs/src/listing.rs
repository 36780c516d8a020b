//! Finding jobs for whoever looks after those of all tenants.
//!
//! | pattern | key condition | index |
//! |---|---|---|
//! | jobs that wait or run, and parts of such, by when their message is due | `job_kind = KIND` | `due` |
//! | jobs that rest until the next part of their work, by when that is | `job_kind = KIND-resting` | `due` |
//! | those of them that were put aside | `job_kind = KIND-paused` | `due` |
//! | jobs that failed, the last one first | `job_kind = KIND-failed` | `due` |
//! | the job of an id | `id` | `ids` |
//!
//! What has ended otherwise is in no index but those of its tenant: so a list of it costs its tenant's, and no more for each job that ends.

use serde::Deserialize;
use table::{AttributeValue, Condition, Item, Key, Millis, Query, Table, TableError};

use crate::desk::Jobs;
use crate::due::DueItem;
use crate::resting::{paused, resting};

/// How many items one id may have: a job, and what else of another kind was given the same.
const OF_ID: u32 = 10;

/// A part of the jobs of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What waits or runs. A job whose children are at work is found by them, not itself: [`crate::whole`] tells whose they are.
    Open,
    /// What rests until the next part of its work.
    Resting,
    /// What was resting, and was put aside.
    Paused,
    /// What has failed.
    Failed,
}

impl Jobs {
    /// Up to `limit` of a part, after this one, and whether there may be more: what is due first goes first, and what failed last. One request. The index
    /// may be some moments behind.
    pub async fn part(
        &self,
        part: Part,
        limit: u32,
        after: Option<(&Key, Millis)>,
    ) -> Result<(Vec<DueItem>, bool), TableError> {
        page_of_due(&self.table, (&self.kind_of(part), part == Part::Failed), limit, after).await
    }

    fn kind_of(&self, part: Part) -> String {
        match part {
            Part::Open => self.kind.to_owned(),
            Part::Resting => resting(self.kind),
            Part::Paused => paused(self.kind),
            Part::Failed => self.failed_kind(),
        }
    }
}

/// Up to `limit` of what has this `job_kind` in the index `due` of a table, after this one, by when it is due or from the last back, and whether there may be
/// more. For whatever has `job_kind` and `redeliver_at`, not for jobs alone. One request.
pub async fn page_of_due(
    table: &Table,
    (kind, descending): (&str, bool),
    limit: u32,
    after: Option<(&Key, Millis)>,
) -> Result<(Vec<DueItem>, bool), TableError> {
    let start = after.map(|(key, due)| {
        let mut place: Item = key.clone().into_item();
        place.insert("job_kind".to_owned(), AttributeValue::S(kind.to_owned()));
        place.insert("redeliver_at".to_owned(), AttributeValue::N(due.0.to_string()));
        place
    });
    let query = Query::new(Condition::equal("job_kind", kind)).index("due").descending(descending);
    let page = table.query(query.limit(limit).start(start)).await?;
    Ok((page.items, page.next.is_some()))
}

/// The keys of the items of a table of jobs that have this id (a UUID), by its index `ids`: a job, or whatever else of its context has ids. One request. What was
/// made a moment ago may not be found yet.
pub async fn keys_of_id(table: &Table, id: &str) -> Result<Vec<Key>, TableError> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(flatten)]
        key: Key,
    }
    let of_id = Query::new(Condition::equal("id", id)).index("ids").limit(OF_ID);
    let page = table.query::<Found>(of_id).await?;
    Ok(page.items.into_iter().map(|found| found.key).collect())
}
