//! What the worker API keeps for a fleet of workers: its tasks, which are no jobs but records under a lease, and its proxies.

use serde::Serialize;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Millis, Table, TableError};
use worker::{Holding, Kind, Listed, ProxyType, Records, Standing, TaskError, TaskStatus, Tasks};

use crate::act::{Act, ActError, Acted};
use crate::audit::{Action, Audit};
use crate::jobs::row::Hold;
use crate::operator::Operator;
use crate::page::{ListError, Listing, Paging};
use crate::shown;

/// What a task says that an operator has ended.
const CANCELLED: &str = "cancelled by an operator";

/// The tasks and proxies of the worker API.
#[derive(Clone, Debug)]
pub struct Fleet {
    records: Records,
    tasks: Tasks,
    audit: Audit,
    clock: Clock,
}

/// A task of the worker API, without its payload and result: those are its campaign's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub campaign_id: u64,
    /// What kind of work it is.
    #[serde(rename = "type")]
    pub task_type: String,
    /// Where it stands now.
    pub status: TaskStatus,
    /// Who has locked it.
    pub held: Option<Hold>,
    /// From when on it may be locked; none if it is locked, or has ended.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub due_at: Option<Millis>,
    /// How often it has been tried again.
    pub retry_count: u64,
    /// How often it is tried again.
    pub max_retries: u64,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was made.
    #[serde(serialize_with = "shown::moment")]
    pub created_at: Millis,
    /// When it was last written.
    #[serde(serialize_with = "shown::moment")]
    pub updated_at: Millis,
    /// When it ended.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub finished_at: Option<Millis>,
}

/// A proxy, without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyRow {
    /// Its number.
    pub id: u64,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u64,
    /// What is spoken with it.
    #[serde(rename = "type")]
    pub proxy_type: ProxyType,
    /// Where it comes out.
    pub country: Option<String>,
    /// Who signs in.
    pub username: Option<String>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether it may be used: `active`, `resting` or `disabled`.
    pub status: &'static str,
    /// Until when it rests.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub resting_until: Option<Millis>,
    /// How often it has failed since it last worked.
    pub error_count: u64,
    /// When it last failed.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub last_failed_at: Option<Millis>,
    /// When it last worked.
    #[serde(serialize_with = "shown::maybe_moment")]
    pub last_succeeded_at: Option<Millis>,
    /// When it was made.
    #[serde(serialize_with = "shown::moment")]
    pub created_at: Millis,
}

impl Fleet {
    /// Those in the table `worker`; the audit log in the table `events`.
    #[must_use]
    pub fn new(worker: Table, events: Table, clock: Clock) -> Self {
        let records = Records::new(worker, clock.clone());
        Self { tasks: Tasks::new(records.clone()), records, audit: Audit::new(events, clock.clone()), clock }
    }

    /// What `WORKER_TABLE` and `EVENTS_TABLE` name.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        let table = |name| Ok::<_, SettingError>(Table::new(dynamodb(config), &setting(name)?));
        Ok(Self::new(table("WORKER_TABLE")?, table("EVENTS_TABLE")?, clock))
    }

    /// A page of tasks. Two requests; six at most, of those that ended badly of one campaign or type, and of those of one type within a campaign.
    pub async fn tasks(&self, listed: &Listed, paging: Paging<'_>) -> Result<Listing<TaskRow>, ListError> {
        let page = self.tasks.list(listed, paging.limit(), paging.after()).await?;
        let page = page.ok_or(ListError::Cursor)?;
        let now = self.clock.now();
        Ok(Listing { items: page.records.into_iter().map(|task| TaskRow::of(task, now)).collect(), next: page.next })
    }

    /// A task. One request.
    pub async fn task(&self, id: u64) -> Result<Option<TaskRow>, TableError> {
        let task = self.records.find(Kind::Task, id).await?;
        Ok(task.map(|task| TaskRow::of(task, self.clock.now())))
    }

    /// Takes a task from who has locked it, by the fencing token of that lock: it may be locked again at once. Another's lock is left alone.
    pub async fn release_task(&self, by: &Operator, id: u64, lock: u64) -> Act {
        let asked = self.audit.asked(by, Action::ReleaseTask, &format!("task/{id}")).await?;
        let act = self.unlock(id, lock).await;
        asked.told(act).await
    }

    /// Ends a task that has not ended, for good, whoever has locked it.
    pub async fn cancel_task(&self, by: &Operator, id: u64) -> Act {
        let asked = self.audit.asked(by, Action::CancelTask, &format!("task/{id}")).await?;
        let act = settled(self.tasks.cancel(id, CANCELLED).await, "it had ended before");
        asked.told(act).await
    }

    /// Takes a task up again that ended badly: it may be locked at once, and has all its retries before it.
    pub async fn retry_task(&self, by: &Operator, id: u64) -> Act {
        let asked = self.audit.asked(by, Action::RetryTask, &format!("task/{id}")).await?;
        let act = settled(self.tasks.retry(id).await, "it has not failed");
        asked.told(act).await
    }

    async fn unlock(&self, id: u64, lock: u64) -> Act {
        let task: Option<worker::Task> = self.records.find(Kind::Task, id).await?;
        let Some(task) = task else { return Err(ActError::Missing) };
        if task.locked_by(self.clock.now()).is_none() {
            return Ok(Acted::refused("nobody has locked it"));
        }
        settled(self.tasks.unlock(id, &Holding::Token(lock)).await, "somebody else has it now")
    }

    /// A page of proxies, the newest first. Two requests.
    pub async fn proxies(&self, paging: Paging<'_>) -> Result<Listing<ProxyRow>, ListError> {
        let page = self.records.list::<worker::Proxy>(Kind::Proxy, paging.limit(), paging.after()).await?;
        let page = page.ok_or(ListError::Cursor)?;
        let now = self.clock.now();
        Ok(Listing { items: page.records.into_iter().map(|proxy| ProxyRow::of(proxy, now)).collect(), next: page.next })
    }

    /// A proxy. One request.
    pub async fn proxy(&self, id: u64) -> Result<Option<ProxyRow>, TableError> {
        let proxy = self.records.find(Kind::Proxy, id).await?;
        Ok(proxy.map(|proxy| ProxyRow::of(proxy, self.clock.now())))
    }

    /// Switches a proxy on, which forgets its failures and ends its rest, or off.
    pub async fn switch_proxy(&self, by: &Operator, id: u64, on: bool) -> Act {
        let action = if on { Action::EnableProxy } else { Action::DisableProxy };
        let asked = self.audit.asked(by, action, &format!("proxy/{id}")).await?;
        let act = match self.records.switch_proxy(id, on).await {
            Ok(Some(_)) => Ok(Acted::DONE),
            Ok(None) => Err(ActError::Missing),
            Err(error) => Err(error.into()),
        };
        asked.told(act).await
    }
}

/// What has come of changing a task; if it stands otherwise than it must, this is why nothing has.
fn settled(changed: Result<(), TaskError>, otherwise: &str) -> Act {
    match changed {
        Ok(()) => Ok(Acted::DONE),
        Err(TaskError::Missing) => Err(ActError::Missing),
        Err(TaskError::Refused(_)) => Ok(Acted::refused(otherwise)),
        Err(TaskError::Table(error)) => Err(error.into()),
    }
}

impl TaskRow {
    /// Whether it may be cancelled: it has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.status.is_final()
    }

    /// Whether it may be taken up again: it ended badly.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self.status, TaskStatus::Failed | TaskStatus::Error)
    }

    fn of(task: worker::Task, now: Millis) -> Self {
        let status = task.status_at(now);
        let held = Hold::of(&task.lease, now);
        Self {
            id: task.id,
            campaign_id: task.campaign_id,
            task_type: task.task_type,
            status,
            due_at: task.lease.claimable_at.filter(|_| held.is_none() && !status.is_final()),
            held,
            retry_count: task.retry_count,
            max_retries: task.max_retries,
            error: task.last_error,
            created_at: task.created_at,
            updated_at: task.updated_at,
            finished_at: task.finished_at,
        }
    }
}

impl ProxyRow {
    fn of(proxy: worker::Proxy, now: Millis) -> Self {
        let (status, resting_until) = match proxy.standing(now) {
            Standing::Active => ("active", None),
            Standing::Resting(until) => ("resting", Some(until)),
            Standing::Disabled => ("disabled", None),
        };
        Self {
            id: proxy.id,
            host: proxy.host,
            port: proxy.port,
            proxy_type: proxy.proxy_type,
            country: proxy.country,
            username: proxy.username,
            has_password: proxy.sealed_password.is_some(),
            status,
            resting_until,
            error_count: proxy.error_count,
            last_failed_at: proxy.last_failed_at,
            last_succeeded_at: proxy.last_succeeded_at,
            created_at: proxy.created_at,
        }
    }
}
