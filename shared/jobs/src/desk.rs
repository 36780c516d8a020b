//! Where jobs are submitted, and found again when their messages are lost.

use std::time::Duration;

use serde::Serialize;
use table::aws::{SdkConfig, SettingError, dynamodb, setting, setting_as};
use table::{Clock, Condition, Item, Key, Millis, Table, TableError, Transaction};
use thiserror::Error;

use crate::account::Account;
use crate::beside::{Beside, Elsewhere, add_all};
use crate::due::Due;
use crate::log::Logs;
use crate::owner::{Submission, add_submission};
use crate::policy::Policy;
use crate::queue::{Hint, Queue};
use crate::record::Job;
use crate::usage;

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

/// A new job.
#[derive(Debug)]
pub struct NewJob<'a, T> {
    /// Its key.
    pub key: &'a Key,
    /// The item, which holds `job`, flattened, and its `account`.
    pub item: &'a T,
    /// What makes the item a job.
    pub job: &'a Job,
    /// The account that it is charged to, and whose slots it takes.
    pub account: &'a Key,
    /// What it is counted as in the account's day, such as its type.
    pub sort: &'static str,
    /// What must hold of the account beside that it has enough units.
    pub only_if: &'a [Condition],
}

impl<T> Clone for NewJob<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NewJob<'_, T> {}

/// Why a job was not submitted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The account did not admit it: it has too little left, or does not satisfy what was asked of it. The account as it is, empty if there is
    /// none.
    #[error("the account does not admit the job")]
    Refused(Item),
    /// Something beside it was not as it had to be.
    #[error("what was to change beside the job was not as it had to be")]
    Beside,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Jobs {
    /// The jobs of a kind whose table and queue the variables of these names name, with the logs in `EVENTS_TABLE` and leases of `JOB_LEASE_SECONDS`: all
    /// that submitting, redelivering and ending them takes.
    pub fn from_environment(
        config: &SdkConfig,
        kind: &'static str,
        (table, queue): (&'static str, &'static str),
    ) -> Result<Self, SettingError> {
        let client = dynamodb(config);
        Ok(Self {
            kind,
            table: Table::new(client.clone(), &setting(table)?),
            queue: Queue::new(config, setting(queue)?),
            logs: Logs::new(Table::new(client, &setting("EVENTS_TABLE")?)),
            clock: Clock::system(),
            policy: Policy::with_lease(Duration::from_secs(setting_as("JOB_LEASE_SECONDS")?)),
        })
    }

    /// Stores a new job, with its units set aside in its account, and sends its message.
    pub async fn submit<T: Serialize>(&self, new: NewJob<'_, T>) -> Result<(), SubmitError> {
        self.store(new, Vec::new()).await?;
        self.queue.hint(&Hint::waits(new.key.clone()), Duration::ZERO).await;
        Ok(())
    }

    /// Stores a new job as [`Self::submit`] does, together with what changes beside it; its message is the caller's to send.
    pub async fn store<T: Serialize>(&self, new: NewJob<'_, T>, beside: Vec<Beside>) -> Result<(), SubmitError> {
        self.store_with(new, beside, None).await
    }

    /// Stores a new job as [`Self::store`] does, together with a change of another table.
    pub async fn store_with<T: Serialize>(
        &self,
        new: NewJob<'_, T>,
        beside: Vec<Beside>,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<(), SubmitError> {
        let NewJob { key, item, job, account, sort, only_if } = new;
        let others = beside.len() + usize::from(elsewhere.is_some());
        let submission = Submission { job: key, sort, units: job.units_reserved, at: job.created_at, only_if };
        let transaction = add_submission(Transaction::new(), &self.table, account, &submission)?.put(
            &self.table,
            item,
            &Condition::Absent("pk"),
        )?;
        let transaction = add_all(transaction, &self.table, beside, elsewhere)?;
        match transaction.commit(&self.table).await {
            Ok(()) => Ok(()),
            Err(TableError::ConditionFailed(items)) => Err(match items.iter().rev().take(others).flatten().next() {
                Some(_) => SubmitError::Beside,
                None => match items.into_iter().next().flatten() {
                    Some(account) => SubmitError::Refused(account),
                    None => TableError::Broken("there is such a job already".to_owned()).into(),
                },
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a new job as [`Self::store`] does; an account that is not there yet is opened with this.
    pub async fn store_opening<T: Serialize>(
        &self,
        new: NewJob<'_, T>,
        opened: &Account,
        beside: Vec<Beside>,
    ) -> Result<(), SubmitError> {
        match self.store(new, beside.clone()).await {
            Err(SubmitError::Refused(account)) if account.is_empty() => {
                self.open_account(new.account, opened).await?;
                self.store(new, beside).await
            }
            stored => stored,
        }
    }

    /// Opens an account; one that is there stays as it is.
    async fn open_account(&self, key: &Key, opened: &Account) -> Result<(), TableError> {
        #[derive(Serialize)]
        struct Opened<'account> {
            #[serde(flatten)]
            key: &'account Key,
            #[serde(flatten)]
            account: &'account Account,
        }
        let opened = Transaction::new()
            .put(&self.table, &Opened { key, account: opened }, &Condition::Absent("pk"))?
            .update(&self.table, &usage::totals_key(key), usage::opened())?
            .commit(&self.table)
            .await;
        match opened {
            // Another request has opened it.
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends the messages of jobs again that are due and that nobody has claimed, until `until`; gives how many. See [`Due::redeliver`].
    pub async fn redeliver_due(&self, until: Millis) -> Result<usize, TableError> {
        let Self { kind, table, queue, clock, policy, .. } = self;
        Due { kind, table, queue, clock, policy }.redeliver(until).await
    }

    /// From when on a job that is claimed or renewed now counts as abandoned.
    pub(crate) fn abandoned_at(&self, now: Millis) -> Millis {
        now.after(self.policy.lease + GRACE)
    }
}
