//! Schedules, kept for their tenant.

use jobs::{DueItem, Elsewhere, page_of_due};
use table::{AttributeValue, Condition, Key, Millis, Query, TableError, Transaction, Update, decode, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::counts::Counts;
use crate::keys::{Keyed, SCHEDULE, counts_key, partition, schedule_key};
use crate::schedule::{MOST_SCHEDULES, NewSchedule, PAUSED, Schedule, ScheduleChange};
use crate::start::SCHEDULE_KIND;
use crate::store::VideoJobs;

/// How often a change is tried whose schedule changes meanwhile.
const RACES: u32 = 10;

/// The schedules of all tenants.
#[derive(Clone, Debug)]
pub struct Schedules {
    pub(crate) jobs: VideoJobs,
}

/// Why a schedule was not made, changed or deleted.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// The tenant has no such schedule.
    #[error("no such schedule")]
    Missing,
    /// The tenant has as many as it may.
    #[error("there may be at most {MOST_SCHEDULES} schedules; delete one first")]
    TooMany,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Schedules {
    /// The schedules of these jobs.
    #[must_use]
    pub const fn new(jobs: VideoJobs) -> Self {
        Self { jobs }
    }

    /// Makes a schedule.
    pub async fn create(&self, tenant: &str, new: NewSchedule) -> Result<Schedule, ScheduleError> {
        let (table, now) = (&self.jobs.jobs.table, self.jobs.jobs.clock.now());
        let id = new_id(now);
        let schedule = Schedule::new(schedule_key(tenant, id), id, tenant, new, now);
        let more = Counts { schedules: 1, schedules_enabled: i64::from(schedule.enabled), ..Counts::default() };
        let fits =
            Condition::Any(vec![Condition::Absent("schedules"), Condition::at_most("schedules", last_that_fits())]);
        let made = Transaction::new()
            .put(table, &schedule, &Condition::Absent("pk"))?
            .update(table, &counts_key(tenant), more.add().when(fits))?
            .commit(table)
            .await;
        match made {
            Ok(()) => Ok(schedule),
            Err(TableError::ConditionFailed(_)) => Err(ScheduleError::TooMany),
            Err(error) => Err(error.into()),
        }
    }

    /// A tenant's schedules, the newest first; those that are enabled, or not, alone.
    pub async fn list(&self, tenant: &str, enabled: Option<bool>) -> Result<Vec<Schedule>, TableError> {
        let all = Condition::Between("sk", SCHEDULE.into(), format!("{SCHEDULE}~").into());
        let all = Query::new(Condition::All(vec![Condition::equal("pk", partition(tenant)), all]));
        let mut query = all.consistent().descending(true);
        let mut found: Vec<Schedule> = Vec::new();
        loop {
            let page = self.jobs.jobs.table.query::<Schedule>(query.clone()).await?;
            found.extend(page.items.into_iter().filter(|schedule| !schedule.deleted));
            match page.next {
                Some(next) => query = query.start(Some(next)),
                None => break,
            }
        }
        found.retain(|schedule| enabled.is_none_or(|enabled| schedule.enabled == enabled));
        Ok(found)
    }

    /// Up to `limit` schedules of all tenants by when they are due, after this one, as the index tells it, and whether there may be more. Two requests.
    pub async fn of_all(
        &self,
        limit: u32,
        after: Option<(&Key, Millis)>,
    ) -> Result<(Vec<DueItem>, Vec<Schedule>, bool), TableError> {
        let table = &self.jobs.jobs.table;
        let (due, more) = page_of_due(table, (SCHEDULE_KIND, false), limit, after).await?;
        let keys: Vec<_> = due.iter().map(|due| due.key.clone()).collect();
        let mut schedules: Vec<Schedule> = self.jobs.items(&keys).await?;
        schedules.retain(|schedule| schedule.enabled && !schedule.deleted);
        Ok((due, schedules, more))
    }

    /// Up to `limit` schedules of all tenants that are disabled, by their ids, after the one of this key. Two requests.
    pub async fn paused(&self, limit: u32, after: Option<&Key>) -> Result<(Vec<Schedule>, Option<Key>), TableError> {
        let start = after.map(|key| {
            let mut place = key.clone().into_item();
            let id = key.sk.strip_prefix(SCHEDULE).unwrap_or(&key.sk);
            place.insert("listed_by".to_owned(), AttributeValue::S(PAUSED.to_owned()));
            place.insert("listed_as".to_owned(), AttributeValue::S(id.to_owned()));
            place
        });
        let query = Query::new(Condition::equal("listed_by", PAUSED)).index("listed");
        let page = self.jobs.jobs.table.query::<Keyed>(query.limit(limit).start(start)).await?;
        let keys: Vec<_> = page.items.into_iter().map(|found| found.key).collect();
        let mut schedules: Vec<Schedule> = self.jobs.items(&keys).await?;
        schedules.retain(|schedule| !schedule.enabled && !schedule.deleted);
        Ok((schedules, page.next.and_then(|_| keys.last().cloned())))
    }

    /// A tenant's schedule.
    pub async fn get(&self, tenant: &str, id: Uuid) -> Result<Option<Schedule>, TableError> {
        let found: Option<Schedule> = self.jobs.jobs.table.get(&schedule_key(tenant, id)).await?;
        Ok(found.filter(|schedule| !schedule.deleted))
    }

    /// Changes a schedule: what `change` makes of it as it is.
    pub async fn change(
        &self,
        tenant: &str,
        id: Uuid,
        change: impl Fn(&Schedule) -> ScheduleChange,
    ) -> Result<Schedule, ScheduleError> {
        self.change_with(tenant, id, change, None).await
    }

    /// Changes a schedule as [`Self::change`] does, together with a change of another table.
    pub async fn change_with(
        &self,
        tenant: &str,
        id: Uuid,
        change: impl Fn(&Schedule) -> ScheduleChange,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<Schedule, ScheduleError> {
        for _ in 0..RACES {
            let Some(before) = self.get(tenant, id).await? else { return Err(ScheduleError::Missing) };
            let change = change(&before);
            let update = before.change(&change, self.jobs.jobs.clock.now());
            let enabled = i64::from(change.enabled.unwrap_or(before.enabled)) - i64::from(before.enabled);
            let counts = Counts { schedules_enabled: enabled, ..Counts::default() };
            match self.write(&before, update, counts, elsewhere).await {
                Ok(()) => return self.get(tenant, id).await?.ok_or(ScheduleError::Missing),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_fast())
    }

    /// Deletes a schedule. A run that is going goes on, and has the schedule's remains to report to.
    pub async fn delete(&self, tenant: &str, id: Uuid) -> Result<(), ScheduleError> {
        let table = &self.jobs.jobs.table;
        for _ in 0..RACES {
            let Some(schedule) = self.get(tenant, id).await? else { return Err(ScheduleError::Missing) };
            let less = Counts { schedules: -1, schedules_enabled: -i64::from(schedule.enabled), ..Counts::default() };
            let deleted = if schedule.active_run.is_some() {
                self.write(&schedule, schedule.bury(self.jobs.jobs.clock.now()), less, None).await
            } else {
                let as_read = Condition::All(vec![
                    Condition::Absent("active_run"),
                    Condition::equal("revision", schedule.revision),
                ]);
                Transaction::new()
                    .delete(table, &schedule.key, &as_read)?
                    .update(table, &counts_key(tenant), less.add())?
                    .commit(table)
                    .await
            };
            match deleted {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_fast())
    }

    /// Changes a schedule, what is counted of it if that changes, and what changes with it elsewhere.
    async fn write(
        &self,
        schedule: &Schedule,
        update: Update,
        counts: Counts,
        elsewhere: Option<&Elsewhere<'_>>,
    ) -> Result<(), TableError> {
        let table = &self.jobs.jobs.table;
        let is_counted = counts != Counts::default();
        if !is_counted && elsewhere.is_none() {
            let written = table.update(&schedule.key, update).await?;
            decode::<Schedule>(written)?;
            return Ok(());
        }
        let mut transaction = Transaction::new().update(table, &schedule.key, update)?;
        if is_counted {
            transaction = transaction.update(table, &counts_key(&schedule.tenant), counts.add())?;
        }
        if let Some(Elsewhere { table, key, update }) = elsewhere {
            transaction = transaction.update(table, key, update.clone())?;
        }
        transaction.commit(table).await
    }
}

fn last_that_fits() -> i64 {
    MOST_SCHEDULES - 1
}

fn too_fast() -> ScheduleError {
    TableError::Unavailable("the schedule changes faster than it can be written".to_owned()).into()
}
