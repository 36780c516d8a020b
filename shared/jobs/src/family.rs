//! Parents and children: whether a parent still wants a child's work, how far all are, and how what they leave is cleared away.

use table::{Condition, Key, Query, TableError, decode};

use crate::desk::Jobs;
use crate::join::{CHILD, Join, PartOf};
use crate::line::Waiting;
use crate::owner::Snapshot;

/// How many children are deleted at a time.
const PAGE: u32 = 500;

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

    /// Deletes the join and the children of a parent that has ended.
    pub async fn drop_children(&self, join: &Key) -> Result<(), TableError> {
        let children = Condition::Between("sk", CHILD.into(), format!("{CHILD}~").into());
        let children = Condition::All(vec![Condition::equal("pk", join.pk.as_str()), children]);
        loop {
            let page = self.table.query::<Waiting>(Query::new(children.clone()).consistent().limit(PAGE)).await?;
            let keys: Vec<_> = page.items.into_iter().map(|child| child.key).collect();
            self.table.delete_many(&keys).await?;
            if page.next.is_none() {
                break;
            }
        }
        self.table.delete(join).await?;
        Ok(())
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
