//! Deliveries are made here, found again when they are due, and what came of them is listed.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use jobs::{Due, Hint, Policy, Queue};
use table::{Clock, Condition, Key, Millis, Table, TableError};

use crate::attempt::{AttemptPage, list as list_attempts};
use crate::delivery::{Delivery, KIND};
use crate::endpoint::Endpoint;
use crate::endpoints::list as list_endpoints;
use crate::event::TaskEnd;
use crate::schedule::Schedule;

/// For how long whoever sends a delivery holds it: more than an attempt may take, with all that is read and written for it.
const LEASE: Duration = Duration::from_mins(1);

/// The deliveries of how many users are made at once.
const USERS_AT_ONCE: usize = 8;

/// The deliveries of all users.
#[derive(Clone, Debug)]
pub struct Deliveries {
    pub(crate) table: Table,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
    pub(crate) schedule: Schedule,
    pub(crate) policy: Policy,
}

impl Deliveries {
    /// The deliveries in `table`, hinted at by `queue`.
    #[must_use]
    pub const fn new(table: Table, queue: Queue, clock: Clock, schedule: Schedule) -> Self {
        Self { table, queue, clock, schedule, policy: Policy::with_lease(LEASE) }
    }

    /// Makes a delivery of each end for each endpoint of its owner that wants it, and gives for how many a message was sent. The same end again
    /// makes none; one that nobody has tried yet gets another message, which may be the first that is sent.
    pub async fn announce(&self, ends: &[TaskEnd]) -> Result<usize, TableError> {
        let mut ends_of: HashMap<&str, Vec<&TaskEnd>> = HashMap::new();
        for end in ends {
            ends_of.entry(&end.user_id).or_default().push(end);
        }
        let made =
            stream::iter(ends_of).map(|(user, ends)| self.announce_to(user, ends)).buffer_unordered(USERS_AT_ONCE);
        let made: Vec<Key> = made.try_concat().await?;
        let hints: Vec<_> = made.into_iter().map(Hint::goes_on).collect();
        self.queue.hint_all(&hints).await;
        Ok(hints.len())
    }

    /// Makes a user's deliveries, and gives the keys of those that nobody has tried.
    async fn announce_to(&self, user: &str, ends: Vec<&TaskEnd>) -> Result<Vec<Key>, TableError> {
        let endpoints = list_endpoints(&self.table, user).await?;
        let mut made = Vec::new();
        for end in ends {
            let Some(event) = end.event() else { continue };
            let now = self.clock.now();
            let wanting = endpoints.iter().filter(|endpoint| endpoint.wants(event));
            let deliveries = wanting.map(|endpoint| Delivery::of(end, event, endpoint, now, &self.policy));
            let keys = try_join_all(deliveries.map(|delivery| self.make(delivery))).await?;
            made.extend(keys.into_iter().flatten());
        }
        Ok(made)
    }

    /// Makes a delivery, if it is not there, and gives its key if nobody has tried it. It may be our own that is there: of a batch that was
    /// broken off, or of a write whose answer was lost.
    async fn make(&self, delivery: Delivery) -> Result<Option<Key>, TableError> {
        let found = match self.table.put(&delivery, Condition::Absent("pk")).await {
            Ok(()) => return Ok(Some(delivery.key)),
            Err(TableError::ConditionFailed(items)) => self.table.refused(&delivery.key, items).await?,
            Err(error) => return Err(error),
        };
        let is_untried = found.is_some_and(|item| Condition::equal("attempts", 0_u64).holds(&item));
        Ok(is_untried.then_some(delivery.key))
    }

    /// Makes a delivery that tests an endpoint.
    pub async fn test(&self, endpoint: &Endpoint) -> Result<Delivery, TableError> {
        let delivery = Delivery::test(endpoint, self.clock.now(), &self.policy);
        self.make(delivery.clone()).await?;
        self.queue.hint(&Hint::goes_on(delivery.key.clone()), Duration::ZERO).await;
        Ok(delivery)
    }

    /// Sends the messages again of deliveries that are due and that nobody has claimed, until `until`; gives how many.
    pub async fn redeliver_due(&self, until: Millis) -> Result<usize, TableError> {
        let Self { table, queue, clock, policy, .. } = self;
        Due { kind: KIND, table, queue, clock, policy }.redeliver(until).await
    }

    /// A page of an endpoint's attempts, the newest first, after `cursor`; none if that is no cursor.
    pub async fn attempts(
        &self,
        endpoint: &Endpoint,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<AttemptPage>, TableError> {
        list_attempts(&self.table, &endpoint.user_id, endpoint.id, limit, cursor).await
    }
}
