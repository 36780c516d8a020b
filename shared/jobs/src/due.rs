//! What is due of one kind, found by a sparse index: hinted at again where its message was lost ([`Due::redeliver`]), or started where its time has
//! come ([`Due::start`]). For whatever has `job_kind` and `redeliver_at`, not for jobs alone.

use futures::future::join_all;
use serde::Deserialize;
use table::{Clock, Condition, Item, Key, Millis, Page, Query, Table, TableError, Update};

use crate::policy::Policy;
use crate::queue::{Hint, Queue};

/// What an item has that waits for its turn.
const TURN: &str = "turn";
/// How many due items are read at a time to be hinted at.
const PAGE: u32 = 100;
/// How many of them are hinted at together.
const AT_ONCE: usize = 20;

/// The items of one kind: the partition `job_kind = kind` of the index `due` of their table, and the queue that hints at them.
#[derive(Clone, Copy, Debug)]
pub struct Due<'due> {
    /// Which items.
    pub kind: &'due str,
    /// Where they are.
    pub table: &'due Table,
    /// What hints at them.
    pub queue: &'due Queue,
    /// The time.
    pub clock: &'due Clock,
    /// How soon a message counts as lost.
    pub policy: &'due Policy,
}

/// What the index shows of an item. It may be a moment behind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DueItem {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// When it was due.
    #[serde(rename = "redeliver_at")]
    pub due_at: Millis,
    /// How often in a row its message was sent again.
    #[serde(default)]
    pub redeliveries: u64,
}

impl Due<'_> {
    /// Sends the messages again of what is due and nobody has claimed: its message was lost, or its worker died. Stops at `until`, and
    /// gives the number of messages sent.
    ///
    /// Each is sent only after a conditional write that moves the item's next turn away: so two runs at once send one message, and a long
    /// queue is not filled with copies. What has ended has no turn any more.
    pub async fn redeliver(self, until: Millis) -> Result<usize, TableError> {
        let (mut sent, mut start) = (0, None);
        loop {
            let page = self.page(PAGE, start.take()).await?;
            for items in page.items.chunks(AT_ONCE) {
                sent += self.redeliver_all(items).await;
                if self.clock.now() >= until {
                    return Ok(sent);
                }
            }
            start = page.next;
            if start.is_none() {
                return Ok(sent);
            }
        }
    }

    /// Sends the messages of these again, and gives how many. One that cannot be written is due still, and keeps no other from its message.
    async fn redeliver_all(self, items: &[DueItem]) -> usize {
        let now = self.clock.now();
        let moved = join_all(items.iter().map(|item| self.put_off(item, now))).await;
        let mut hints = Vec::with_capacity(items.len());
        for moved in moved {
            match moved {
                Ok(hint) => hints.extend(hint),
                Err(error) => tracing::error!(%error, kind = self.kind, "an item that is due was not put off"),
            }
        }
        self.queue.hint_all(&hints).await;
        hints.len()
    }

    /// Moves the next turn of an item away, and gives the hint at it; none if another has done so, or it has ended.
    async fn put_off(self, item: &DueItem, now: Millis) -> Result<Option<Hint>, TableError> {
        let next = now.after(self.policy.redelivery_pause(item.redeliveries));
        let turn = Update::new()
            .set("redeliver_at", next)
            .set("redeliveries", item.redeliveries + 1)
            .when(Condition::equal("redeliver_at", item.due_at));
        match self.table.update(&item.key, turn).await {
            // One that waits for its turn is one of its group; any other is looked at itself.
            Ok(moved) => Ok(Some(Hint { first: !moved.contains_key(TURN), job: item.key.clone() })),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of what is due by now, those first that have been so for longest.
    pub(crate) async fn page(self, limit: u32, start: Option<Item>) -> Result<Page<DueItem>, TableError> {
        let kind = Condition::equal("job_kind", self.kind);
        let due = Condition::All(vec![kind, Condition::at_most("redeliver_at", self.clock.now())]);
        self.table.query(Query::new(due).index("due").limit(limit).start(start)).await
    }
}
