//! Where jobs are submitted, claimed, cancelled, given up and found again.

use std::time::Duration;

use lease::{Claim, Lost};
use serde::Serialize;
use serde::de::DeserializeOwned;
use table::{Clock, Condition, Item, Key, Millis, Query, Table, TableError, Transaction, Update, decode, new_nonce};
use thiserror::Error;

use crate::account::{Account, Outcome};
use crate::log::Logs;
use crate::policy::Policy;
use crate::queue::Queue;
use crate::record::{Job, Status};
use crate::run::Run;

/// How often a change that lost a race against a worker's progress is tried again.
const RACES: u32 = 20;
/// How many due jobs are read at a time.
const DUE_PAGE: u32 = 100;
/// How long after the end of a lease its job counts as abandoned: time for a renewal that is under way.
const GRACE: Duration = Duration::from_secs(1);

/// The jobs of one kind: their table, their queue, their logs.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// Which jobs: the partition of the `due` index.
    pub kind: &'static str,
    /// Where their items are.
    pub table: Table,
    /// What hints at them.
    pub queue: Queue,
    /// Their logs.
    pub logs: Logs,
    /// The time.
    pub clock: Clock,
    /// How they are leased and retried.
    pub policy: Policy,
}

/// Why a job was not submitted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The account has too little left.
    #[error("not enough compute units: {needed} needed, {available} available")]
    InsufficientUnits {
        /// What the job needs.
        needed: u64,
        /// What the account has.
        available: i64,
    },
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The answer to a claim.
#[derive(Debug)]
pub enum Claimed<T> {
    /// The job is ours to do.
    Run(Box<Run>, Box<T>),
    /// There is nothing to do: it has ended, is gone, is held by another or rests. Its message can be dropped.
    Nothing(&'static str),
}

/// The answer to a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The job has ended now, and will be worked on no more.
    Now,
    /// It had ended before.
    AlreadyEnded,
    /// There is no such job.
    Missing,
}

/// What a transition needs to know of any job.
#[derive(serde::Deserialize)]
struct Snapshot {
    status: Status,
    lease_token: u64,
    units_reserved: u64,
    units_used: u64,
    account: Key,
}

impl Jobs {
    /// Stores a new job, with its units set aside in `account`, and sends its message. `item` holds `job`, flattened, and its `account`.
    pub async fn submit<T: Serialize>(&self, key: &Key, item: &T, job: &Job, account: &Key) -> Result<(), SubmitError> {
        let written = Transaction::new()
            .put(&self.table, item, &Condition::Absent("pk"))?
            .update(&self.table, account, Account::reserve(job.units_reserved))?
            .commit(&self.table)
            .await;
        match written {
            Ok(()) => {}
            Err(TableError::ConditionFailed(items)) => {
                let account: Option<Account> = items.into_iter().nth(1).flatten().and_then(|item| decode(item).ok());
                let available = account.map_or(0, |account| account.units_available);
                return Err(SubmitError::InsufficientUnits { needed: job.units_reserved, available });
            }
            Err(error) => return Err(error.into()),
        }
        self.queue.hint(key, Duration::ZERO).await;
        Ok(())
    }

    /// Claims the job for `owner`. One that has used up its attempts is failed here, and there is nothing to do.
    pub async fn claim<T: DeserializeOwned>(&self, key: &Key, owner: &str) -> Result<Claimed<T>, TableError> {
        let now = self.clock.now();
        let begin = Update::new()
            .set("status", Status::Running.as_str())
            .set_if_absent("started_at", now)
            .set("updated_at", now)
            .set("redeliver_at", self.abandoned_at(now))
            .set("redeliveries", 0_u64)
            .add("attempts", 1)
            .when(Status::is_open());
        let (lease, item) = match lease::claim(&self.table, key, now, owner, self.policy.lease, begin).await? {
            Claim::Granted(lease, item) => (lease, item),
            Claim::Refused(None) => return Ok(Claimed::Nothing("it is gone")),
            Claim::Refused(Some(item)) => return Ok(Claimed::Nothing(refusal(&item))),
        };
        let job: Job = decode(item.clone())?;
        let snapshot: Snapshot = decode(item.clone())?;
        let run = Run::new(self.clone(), key.clone(), snapshot.account, lease, &job);
        if job.attempts > self.policy.attempts {
            let last = job.error_message.as_deref().unwrap_or("the worker ended without a word");
            let reason = format!("Given up after {} attempts: {last}", self.policy.attempts);
            return match run.fail(&reason, 0, Vec::new()).await {
                Ok(()) | Err(Lost::Superseded(_)) => Ok(Claimed::Nothing("its attempts are used up")),
                Err(Lost::Table(error)) => Err(error),
            };
        }
        Ok(Claimed::Run(Box::new(run), Box::new(decode(item)?)))
    }

    /// Ends the job for its owner, charging what its worker has recorded so far; a worker that is at it is told by its next step.
    pub async fn cancel(&self, key: &Key) -> Result<Cancelled, TableError> {
        let end = End { status: Status::Cancelled, outcome: Outcome::Cancelled, reason: None, only_if: None };
        self.end(key, end).await
    }

    /// Ends the job as failed if nobody is at it: for a job whose message kept failing. One that is being worked on is left alone.
    pub async fn give_up(&self, key: &Key, reason: &str) -> Result<Cancelled, TableError> {
        let idle = Condition::at_most("claimable_at", self.clock.now());
        let end = End { status: Status::Failed, outcome: Outcome::Failed, reason: Some(reason), only_if: Some(idle) };
        self.end(key, end).await
    }

    /// Ends a job from outside. The condition is the job as it was read, so that what is charged is what was recorded.
    async fn end(&self, key: &Key, end: End<'_>) -> Result<Cancelled, TableError> {
        let mut found = self.table.get_item(key, true).await?;
        for _ in 0..RACES {
            let Some(item) = found else { return Ok(Cancelled::Missing) };
            let job: Snapshot = decode(item.clone())?;
            if job.status.is_final() || end.only_if.as_ref().is_some_and(|condition| !condition.holds(&item)) {
                return Ok(Cancelled::AlreadyEnded);
            }
            let now = self.clock.now();
            let mut change = Update::new()
                .set("status", end.status.as_str())
                .set("updated_at", now)
                .set("completed_at", now)
                .set("lease_nonce", new_nonce())
                .remove("claimable_at")
                .remove("lease_owner")
                .remove("redeliver_at")
                .when(Status::is_open())
                .when(Condition::equal("lease_token", job.lease_token))
                .when(Condition::equal("units_used", job.units_used));
            if let Some(reason) = end.reason {
                change = change.set("error_message", reason);
            }
            if let Some(condition) = end.only_if.clone() {
                change = change.when(condition);
            }
            let settle = Account::settle(job.units_reserved, job.units_used, end.outcome);
            let ended = Transaction::new()
                .update(&self.table, key, change)?
                .update(&self.table, &job.account, settle)?
                .commit(&self.table)
                .await;
            match ended {
                Ok(()) => return Ok(Cancelled::Now),
                Err(TableError::ConditionFailed(_)) => found = self.table.get_item(key, true).await?,
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("the job changes faster than it can be ended".to_owned()))
    }

    /// Sends the messages of jobs again that are due and that nobody has claimed: their message was lost, or their worker died. Stops at
    /// `until`, and gives the number of messages sent.
    ///
    /// Each is sent only after a conditional write that moves the job's next turn away: so two runs at once send one message, and a long
    /// queue is not filled with copies.
    pub async fn redeliver_due(&self, until: Millis) -> Result<usize, TableError> {
        let mut sent = 0;
        let mut start = None;
        loop {
            let now = self.clock.now();
            let due =
                Condition::All(vec![Condition::equal("job_kind", self.kind), Condition::at_most("redeliver_at", now)]);
            let page =
                self.table.query::<Due>(Query::new(due).index("due").limit(DUE_PAGE).start(start.take())).await?;
            let mut keys = Vec::new();
            for job in page.items {
                let next = now.after(self.policy.redelivery_pause(job.redeliveries));
                let turn = Update::new()
                    .set("redeliver_at", next)
                    .set("redeliveries", job.redeliveries + 1)
                    .when(Condition::equal("redeliver_at", job.redeliver_at))
                    .when(Status::is_open());
                match self.table.update(&job.key, turn).await {
                    Ok(_) => keys.push(job.key),
                    Err(TableError::ConditionFailed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            self.queue.hint_all(&keys).await;
            sent += keys.len();
            match page.next {
                Some(next) if self.clock.now() < until => start = Some(next),
                _ => return Ok(sent),
            }
        }
    }

    /// From when on a job that is claimed or renewed now counts as abandoned.
    pub(crate) fn abandoned_at(&self, now: Millis) -> Millis {
        now.after(self.policy.lease + GRACE)
    }
}

/// How a job is ended from outside.
struct End<'reason> {
    status: Status,
    outcome: Outcome,
    reason: Option<&'reason str>,
    only_if: Option<Condition>,
}

/// What the `due` index shows of a job.
#[derive(serde::Deserialize)]
struct Due {
    #[serde(flatten)]
    key: Key,
    redeliver_at: Millis,
    #[serde(default)]
    redeliveries: u64,
}

fn refusal(item: &Item) -> &'static str {
    if Status::is_open().holds(item) { "another worker is at it, or it rests" } else { "it has ended" }
}
