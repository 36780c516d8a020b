//! Pages of schedules, and one of them.

use jobs::Part;
use table::{Millis, TableError, cursor};
use videos::Schedules;

use super::name::{ScheduleKind, ScheduleName};
use super::row::ScheduleRow;
use crate::Operations;
use crate::jobs::kind::Kind;
use crate::page::{ListError, Listing, Paging, Place};

impl Operations {
    /// A page of the schedules of all tenants that wait for their next run, the next one first; or of those that are paused. A monitor that runs is a job
    /// that runs, and in no such list meanwhile. Two requests, or three for monitors.
    pub async fn schedules(
        &self,
        kind: ScheduleKind,
        paused: bool,
        paging: Paging<'_>,
    ) -> Result<Listing<ScheduleRow>, ListError> {
        match (kind, paused) {
            (ScheduleKind::Monitor, _) => self.monitors(paused, paging).await,
            (ScheduleKind::Video, false) => {
                let after = paging.place()?;
                let after = after.as_ref().map(|place| (&place.key, place.at));
                let (due, schedules, more) = self.schedules_of_videos().of_all(paging.limit(), after).await?;
                let last = due.into_iter().next_back().filter(|_| more);
                let next = last.and_then(|last| cursor::write(&Place { key: last.key, at: last.due_at }));
                Ok(Listing { items: schedules.into_iter().map(ScheduleRow::of_videos).collect(), next })
            }
            (ScheduleKind::Video, true) => {
                let after = paging.place()?.map(|place| place.key);
                if after.as_ref().is_some_and(|key| ScheduleName::at(Kind::Video, key).is_none()) {
                    return Err(ListError::Cursor);
                }
                let (schedules, last) = self.schedules_of_videos().paused(paging.limit(), after.as_ref()).await?;
                let next = last.and_then(|key| cursor::write(&Place { key, at: Millis(0) }));
                Ok(Listing { items: schedules.into_iter().map(ScheduleRow::of_videos).collect(), next })
            }
        }
    }

    async fn monitors(&self, paused: bool, paging: Paging<'_>) -> Result<Listing<ScheduleRow>, ListError> {
        let part = if paused { Part::Paused } else { Part::Resting };
        let place = paging.place()?;
        let after = place.as_ref().map(|place| (&place.key, place.at));
        let (due, more) = self.jobs.part(part, paging.limit(), after).await?;
        let keys: Vec<_> = due.iter().map(|due| due.key.clone()).collect();
        let records = self.records(Kind::Extract, &keys).await?;
        let items = records.iter().filter_map(ScheduleRow::of_monitor).collect();
        let last = due.into_iter().next_back().filter(|_| more);
        Ok(Listing { items, next: last.and_then(|last| cursor::write(&Place { key: last.key, at: last.due_at })) })
    }

    /// A schedule; none if there is none. One request.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Option<ScheduleRow>, TableError> {
        match name.kind {
            ScheduleKind::Video => {
                let schedule = self.schedules_of_videos().get(&name.tenant, name.id).await?;
                Ok(schedule.map(ScheduleRow::of_videos))
            }
            ScheduleKind::Monitor => {
                let record = self.record(&name.task()).await?;
                Ok(record.as_ref().and_then(ScheduleRow::of_monitor))
            }
        }
    }

    pub(crate) fn schedules_of_videos(&self) -> Schedules {
        Schedules::new(self.videos.clone())
    }
}
