//! Parents and children: whether a parent still wants a child's work, how far all are, and how what they leave is cleared away.

use std::time::Duration;

use serde::de::DeserializeOwned;
use table::{Condition, Key, Query, TableError, decode};

use crate::desk::Jobs;
use crate::join::{CHILD, Join, PartOf};
use crate::line::Waiting;
use crate::owner::Snapshot;
use crate::record::{Job, Status};

/// How many children are read at a time.
const PAGE: u32 = 500;
/// How often numbers are asked for while transactions of the siblings are in the way.
const CONFLICTS: u32 = 6;

/// What a child is to its parent that does not wait for its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its parent may yet want it.
    MayBeWanted,
    /// It was wanted, until its parent ended: it stays beside its siblings until they are dropped.
    LetGo,
    /// It is of an attempt that came to nothing, or its parent is gone: nobody knows of it.
    NeverWanted,
}

impl Jobs {
    /// The join of the children that a job has handed out: the attribute `children` of the job names it.
    pub async fn join(&self, key: &Key) -> Result<Option<Join>, TableError> {
        self.table.get(key).await
    }

    /// The joins of several jobs' children, in this order; those that are gone are left out. At most 100.
    pub async fn joins(&self, keys: &[Key]) -> Result<Vec<Join>, TableError> {
        self.table.get_many(keys).await
    }

    /// Adds to jobs what their children have done so far, for whoever looks at them: at most 100 jobs, by one request; by none where no children are at work.
    pub async fn add_children<'job>(
        &self,
        jobs: impl IntoIterator<Item = &'job mut Job> + Send,
    ) -> Result<(), TableError> {
        let parents = jobs.into_iter().filter(|job| job.status == Status::Running && job.children.is_some());
        let parents: Vec<_> = parents.collect();
        if parents.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = parents.iter().filter_map(|parent| parent.children.clone()).collect();
        let joins = self.joins(&keys).await?;
        for parent in parents {
            if let Some(join) = joins.iter().find(|join| parent.children.as_ref() == Some(&join.key)) {
                join.add_to(parent);
            }
        }
        Ok(())
    }

    /// The children of a join, in their order, each as its whole item.
    pub async fn children<T: DeserializeOwned>(&self, join: &Key) -> Result<Vec<T>, TableError> {
        let (mut children, mut query) = (Vec::new(), children_of(join));
        loop {
            let page = self.table.query(query).await?;
            children.extend(page.items);
            match page.next {
                Some(next) => query = children_of(join).start(Some(next)),
                None => return Ok(children),
            }
        }
    }

    /// Deletes the join and the children of a parent that has ended.
    pub async fn drop_children(&self, join: &Key) -> Result<(), TableError> {
        let children: Vec<_> = self.children::<Waiting>(join).await?.into_iter().map(|child| child.key).collect();
        self.table.delete_many(&children).await?;
        self.table.delete(join).await?;
        Ok(())
    }

    /// Claims numbers of the parent's log for so many lines of a child, and gives the number before the first of them.
    pub(crate) async fn number_lines(&self, part_of: &PartOf, lines: usize) -> Result<u64, TableError> {
        for conflict in 0..CONFLICTS {
            match self.table.update(&part_of.join, Join::number(lines)).await {
                Ok(join) => return Ok(decode::<Join>(join)?.log_lines.saturating_sub(lines as u64)),
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(Duration::from_millis(20 << conflict).mul_f64(fastrand::f64())).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the siblings' transactions are in the way".to_owned()))
    }

    /// Whether the parent waits for its children's work.
    pub(crate) async fn is_wanted(&self, part_of: &PartOf) -> Result<bool, TableError> {
        let join = self.table.get_item(&part_of.join, true).await?;
        Ok(join.is_some_and(|join| Join::is_wanted().holds(&join)))
    }

    /// What a child is to its parent that does not wait for its work.
    pub(crate) async fn standing(&self, part_of: &PartOf) -> Result<Standing, TableError> {
        if let Some(join) = self.table.get_item(&part_of.join, true).await? {
            return Ok(if decode::<Join>(join)?.is_open { Standing::MayBeWanted } else { Standing::LetGo });
        }
        let Some(parent) = self.table.get_item(&part_of.parent, true).await? else { return Ok(Standing::NeverWanted) };
        // It is still in the attempt that has written the children, and may be about to make the join.
        let is_held = lease::rules::held(part_of.parent_token).holds(&parent);
        let is_handing_out = is_held && !Snapshot::of(&parent)?.status.is_final();
        Ok(if is_handing_out { Standing::MayBeWanted } else { Standing::NeverWanted })
    }
}

/// What finds the children of a join, in their order.
fn children_of(join: &Key) -> Query {
    let children = Condition::Between("sk", CHILD.into(), format!("{CHILD}~").into());
    let children = Condition::All(vec![Condition::equal("pk", join.pk.as_str()), children]);
    Query::new(children).consistent().limit(PAGE)
}
