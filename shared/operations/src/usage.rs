//! What a tenant has done and used, by kind of jobs.

use std::time::Duration;

use extract::Accounts;
use jobs::Account;
use jobs::usage::{Counts, days};
use serde::{Deserialize, Serialize};
use table::{Key, Millis, TableError};

use crate::Operations;
use crate::jobs::kind::Kind;
use crate::shown;

/// The most days that are told of.
pub const MOST_DAYS: u32 = 90;
/// A day.
const DAY: Duration = Duration::from_hours(24);

/// What a tenant has done and used of one kind of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Of which kind.
    pub kind: Kind,
    /// Whose.
    pub tenant: String,
    /// The plan and its units; of the extraction cloud alone, where the others cost none.
    pub plan: Option<PlanUsage>,
    /// Jobs that have not ended.
    pub jobs_open: i64,
    /// Jobs that ended well.
    pub jobs_completed: i64,
    /// Jobs that ended badly.
    pub jobs_failed: i64,
    /// Jobs that were cancelled.
    pub jobs_cancelled: i64,
    /// How many jobs may run at once.
    pub slots: i64,
    /// How many more may now.
    pub slots_free: i64,
    /// The days of the last `MOST_DAYS` at most on which anything happened, in order.
    pub days: Vec<DayRow>,
}

/// A plan and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanUsage {
    /// The plan.
    pub plan: &'static str,
    /// The compute units of the period.
    pub units_limit: u64,
    /// Those that are charged.
    pub units_used: i64,
    /// Those that are set aside for jobs that have not ended.
    pub units_reserved: i64,
    /// Those that are left.
    pub units_available: i64,
    /// When the period ends.
    #[serde(serialize_with = "shown::moment")]
    pub period_end: Millis,
}

/// A day of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayRow {
    /// The day, UTC, as `2024-01-15`.
    pub day: String,
    /// Jobs that were submitted.
    pub submitted: u64,
    /// Jobs that ended well.
    pub completed: u64,
    /// Jobs that ended badly.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Compute units that were charged.
    pub units_used: u64,
}

#[derive(Deserialize)]
struct StoredDay {
    sk: String,
    #[serde(flatten)]
    counts: Counts,
}

impl Operations {
    /// What a tenant has done and used of one kind of jobs, with its last so many days, today included; none if it has no account. Two requests at once.
    pub async fn usage(&self, kind: Kind, tenant: &str, last_days: u32) -> Result<Option<Usage>, TableError> {
        let key = Key::new(kind.partition(tenant), "ACCOUNT");
        let now = self.clock.now();
        let first = now.before(DAY * last_days.clamp(1, MOST_DAYS).saturating_sub(1));
        let table = &self.jobs_of(kind).table;
        let (first, last) = (first.day(), now.day());
        let days = days::<StoredDay>(table, &key, &first, &last);
        let ((account, plan), days) = tokio::try_join!(self.account(kind, tenant, &key), days)?;
        let Some(account) = account else { return Ok(None) };
        Ok(Some(Usage {
            kind,
            tenant: tenant.to_owned(),
            plan,
            jobs_open: account.jobs_open,
            jobs_completed: account.jobs_completed,
            jobs_failed: account.jobs_failed,
            jobs_cancelled: account.jobs_cancelled,
            slots: account.slots.slots,
            slots_free: account.slots.slots_free,
            days: days.into_iter().map(DayRow::from).collect(),
        }))
    }

    async fn account(
        &self,
        kind: Kind,
        tenant: &str,
        key: &Key,
    ) -> Result<(Option<Account>, Option<PlanUsage>), TableError> {
        if kind != Kind::Extract {
            return Ok((self.jobs_of(kind).table.get(key).await?, None));
        }
        let accounts = Accounts::new(self.jobs.table.clone(), self.clock.clone());
        let Some(account) = accounts.get(tenant).await? else { return Ok((None, None)) };
        let plan = PlanUsage {
            plan: account.period.plan.as_str(),
            units_limit: account.period.units_limit,
            units_used: account.account.units_used,
            units_reserved: account.account.units_reserved,
            units_available: account.account.units_available,
            period_end: account.period.period_end,
        };
        Ok((Some(account.account), Some(plan)))
    }
}

impl From<StoredDay> for DayRow {
    fn from(StoredDay { sk, counts }: StoredDay) -> Self {
        Self {
            day: sk.split_once('#').map_or_else(String::new, |(_, day)| day.to_owned()),
            submitted: counts.submitted,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
            units_used: counts.units_used,
        }
    }
}
