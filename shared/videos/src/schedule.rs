//! A schedule, and what is decided about it, pure.

use std::time::Duration;

use jobs::{Beside, Status, next_due};
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, Update};
use uuid::Uuid;

use crate::order::{Mode, Order};
use crate::start::SCHEDULE_KIND;

/// How many schedules a tenant may have.
pub const MOST_SCHEDULES: i64 = 500;
/// For how long a schedule that was deleted during a run is kept, for the run to report to.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Where in the index `listed` schedules are that are disabled. No tenant is called so: tenants are ids.
pub(crate) const PAUSED: &str = "PAUSED";

/// What a new schedule is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// What its owner calls it.
    pub name: String,
    /// What each run is to fetch.
    pub order: Order,
    /// From one run to the next, in minutes.
    pub interval_minutes: u32,
    /// Whether it runs.
    pub enabled: bool,
}

/// What is to change of a schedule; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleChange {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What the value names.
    pub mode: Option<Mode>,
    /// A user name or hashtag.
    pub value: Option<String>,
    /// How many videos a run fetches, at most.
    pub limit: Option<u32>,
    /// Whether a version without a watermark is looked for.
    pub no_watermark: Option<bool>,
    /// The folder of Google Drive.
    pub drive_folder_id: Option<String>,
    /// From one run to the next, in minutes.
    pub interval_minutes: Option<u32>,
    /// Whether it runs.
    pub enabled: Option<bool>,
}

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its key.
    #[serde(flatten)]
    pub key: Key,
    /// The partition of the index `due`; none while it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_kind: Option<String>,
    /// When its next run is due; none while it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "redeliver_at")]
    pub next_run_at: Option<Millis>,
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: String,
    /// What its owner calls it.
    pub name: String,
    /// What each run is to fetch.
    #[serde(flatten)]
    pub order: Order,
    /// From one run to the next, in minutes.
    pub interval_minutes: u32,
    /// Whether it runs.
    pub enabled: bool,
    /// The job that is its run, while that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_run: Option<String>,
    /// When its last run was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run_at: Option<Millis>,
    /// How the last run that has ended did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<Status>,
    /// `PAUSED` while it is disabled: the partition of the index `listed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_by: Option<String>,
    /// Its id, there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_as: Option<String>,
    /// How many runs were started.
    #[serde(default)]
    pub total_runs: u64,
    /// How many of them ended well.
    #[serde(default)]
    pub ended_completed: u64,
    /// How many of them failed.
    #[serde(default)]
    pub ended_failed: u64,
    /// How many of them were cancelled.
    #[serde(default)]
    pub ended_cancelled: u64,
    /// How often it was due while a run was still going.
    #[serde(default)]
    pub skipped_runs: u64,
    /// When it was made.
    pub created_at: Millis,
    /// When its owner last changed it.
    pub updated_at: Millis,
    /// How often its owner has changed it: by which a run knows that it is what the owner wants.
    #[serde(default)]
    pub revision: u64,
    /// Whether it is deleted, and only waits for its run to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl Schedule {
    /// A new schedule, due for the first time when its interval has passed.
    pub(crate) fn new(key: Key, id: Uuid, tenant: &str, new: NewSchedule, now: Millis) -> Self {
        let NewSchedule { name, order, interval_minutes, enabled } = new;
        Self {
            key,
            job_kind: enabled.then(|| SCHEDULE_KIND.to_owned()),
            next_run_at: enabled.then(|| now.after(minutes(interval_minutes))),
            id,
            tenant: tenant.to_owned(),
            name,
            order,
            interval_minutes,
            enabled,
            active_run: None,
            last_run_at: None,
            last_outcome: None,
            listed_by: (!enabled).then(|| PAUSED.to_owned()),
            listed_as: (!enabled).then(|| id.to_string()),
            total_runs: 0,
            ended_completed: 0,
            ended_failed: 0,
            ended_cancelled: 0,
            skipped_runs: 0,
            created_at: now,
            updated_at: now,
            revision: 0,
            deleted: false,
        }
    }

    /// What starting `job` as its run out of turn changes, on condition that no run is going and its owner has not changed it; none if one is.
    pub(crate) fn start_out_of_turn(&self, job: Uuid, now: Millis) -> Option<Beside> {
        if self.active_run.is_some() {
            return None;
        }
        let update = Update::new()
            .set("active_run", job.to_string())
            .set("last_run_at", now)
            .add("total_runs", 1)
            .when(Condition::Absent("active_run"))
            .when(Condition::Absent("deleted"))
            .when(Condition::equal("revision", self.revision));
        Some(Beside { key: self.key.clone(), update })
    }

    /// What starting `job` as its run changes, on condition that the schedule is as it was read; none if it is not due.
    pub(crate) fn start(&self, job: Uuid, now: Millis) -> Option<Beside> {
        let update = self
            .move_on(now)?
            .set("active_run", job.to_string())
            .set("last_run_at", now)
            .add("total_runs", 1)
            .when(Condition::Absent("active_run"));
        Some(Beside { key: self.key.clone(), update })
    }

    /// What passing over it changes while its run is going; none if it is not due.
    pub(crate) fn skip(&self, now: Millis) -> Option<Update> {
        let active = self.active_run.as_deref()?;
        Some(self.move_on(now)?.add("skipped_runs", 1).when(Condition::equal("active_run", active)))
    }

    /// To the next time, on condition that it is still due as it was read.
    fn move_on(&self, now: Millis) -> Option<Update> {
        let due = self.next_run_at.filter(|due| *due <= now)?;
        let next = next_due(due, minutes(self.interval_minutes), now);
        Some(
            Update::new()
                .set("redeliver_at", next)
                .when(Condition::equal("redeliver_at", due))
                .when(Condition::equal("revision", self.revision)),
        )
    }

    /// What a change by its owner writes, on condition that nobody else has changed it. Another interval counts from now on.
    pub(crate) fn change(&self, change: &ScheduleChange, now: Millis) -> Update {
        let enabled = change.enabled.unwrap_or(self.enabled);
        let interval = change.interval_minutes.unwrap_or(self.interval_minutes);
        let update = Update::new()
            .set_given("name", change.name.as_deref())
            .set_given("mode", change.mode.map(Mode::as_str))
            .set_given("value", change.value.as_deref())
            .set_given("limit", change.limit.map(u64::from))
            .set_given("no_watermark", change.no_watermark)
            .set_given("drive_folder_id", change.drive_folder_id.as_deref())
            .set("interval_minutes", u64::from(interval))
            .set("enabled", enabled)
            .set("updated_at", now)
            .set("revision", self.revision + 1)
            .when(Condition::equal("revision", self.revision))
            .when(Condition::Absent("deleted"));
        if !enabled {
            let update = update.set("listed_by", PAUSED).set("listed_as", self.id.to_string());
            return update.remove("job_kind").remove("redeliver_at");
        }
        let update = update.remove("listed_by").remove("listed_as");
        let is_moved = !self.enabled || interval != self.interval_minutes;
        if !is_moved {
            return update;
        }
        update.set("job_kind", SCHEDULE_KIND).set("redeliver_at", now.after(minutes(interval)))
    }

    /// What its deletion writes while its run is going: it is never due again, and goes for good when nothing can report to it any more.
    pub(crate) fn bury(&self, now: Millis) -> Update {
        Update::new()
            .set("deleted", true)
            .set("revision", self.revision + 1)
            .set("expires_at", now.after(KEPT).epoch_seconds())
            .remove("job_kind")
            .remove("redeliver_at")
            .remove("listed_by")
            .remove("listed_as")
            .when(Condition::equal("revision", self.revision))
            .when(Condition::Absent("deleted"))
    }
}

pub(crate) fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use table::{Item, decode, encode};

    use super::*;
    use crate::keys::schedule_key;

    fn schedule(interval_minutes: u32) -> Schedule {
        let order = Order {
            mode: Mode::Hashtag,
            value: "funny".to_owned(),
            limit: 50,
            no_watermark: true,
            since: None,
            until: None,
            drive_folder_id: None,
        };
        let new = NewSchedule { name: "Daily".to_owned(), order, interval_minutes, enabled: true };
        let id = Uuid::nil();
        Schedule::new(schedule_key("t", id), id, "t", new, Millis(0))
    }

    fn read(item: &Item) -> Schedule {
        decode(item.clone()).unwrap()
    }

    #[test]
    fn a_change_moves_the_next_run_only_where_it_concerns_it() {
        let five_minutes = Millis(5 * 60_000);
        let now = Millis(60_000);
        for (change, next) in [
            (ScheduleChange { name: Some("Other".to_owned()), ..ScheduleChange::default() }, Some(five_minutes)),
            (ScheduleChange { interval_minutes: Some(5), ..ScheduleChange::default() }, Some(five_minutes)),
            (ScheduleChange { interval_minutes: Some(10), ..ScheduleChange::default() }, Some(Millis(11 * 60_000))),
            (ScheduleChange { enabled: Some(false), ..ScheduleChange::default() }, None),
            (ScheduleChange { enabled: Some(true), ..ScheduleChange::default() }, Some(five_minutes)),
        ] {
            let before = schedule(5);
            let mut item = encode(&before).unwrap();
            let update = before.change(&change, now);
            assert!(update.apply(&mut item));
            assert!(!update.apply(&mut item), "what was read is not so any more");
            let after = read(&item);
            assert_eq!((after.next_run_at, after.job_kind.is_some()), (next, next.is_some()), "{change:?}");
        }
        let mut item = encode(&schedule(5)).unwrap();
        for (enabled, now, next) in [(false, 60_000, None), (true, 120_000, Some(Millis(7 * 60_000)))] {
            let change = ScheduleChange { enabled: Some(enabled), ..ScheduleChange::default() };
            assert!(read(&item).change(&change, Millis(now)).apply(&mut item));
            assert_eq!(read(&item).next_run_at, next, "enabled again, it counts from then on");
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Wait(u64),
        /// A scheduler starts or skips by what it has read now, or a while ago.
        Schedule {
            stale: bool,
        },
        /// The run ends, and reports.
        End,
        Change(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_u64..40).prop_map(Step::Wait),
            6 => any::<bool>().prop_map(|stale| Step::Schedule { stale }),
            3 => Just(Step::End),
            1 => (5_u32..30).prop_map(Step::Change),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn each_due_time_starts_one_run_or_is_skipped_and_no_two_runs_go_at_once(steps in steps()) {
            let mut item = encode(&schedule(5)).unwrap();
            let (mut now, mut stale, mut running) = (0_u64, read(&item), false);
            let (mut handled, mut started, mut skipped) = (std::collections::BTreeSet::new(), 0_u64, 0_u64);
            for step in steps {
                match step {
                    Step::Wait(minutes) => now += minutes * 60_000,
                    Step::Schedule { stale: is_stale } => {
                        let fresh = read(&item);
                        let seen = if is_stale { stale.clone() } else { fresh.clone() };
                        let due = fresh.next_run_at.unwrap();
                        let did = if seen.active_run.is_some() {
                            let done = seen.skip(Millis(now)).is_some_and(|skip| skip.apply(&mut item));
                            prop_assert!(!done || running);
                            skipped += u64::from(done);
                            done
                        } else {
                            let start = seen.start(Uuid::from_u128(u128::from(started) + 1), Millis(now));
                            let done = start.is_some_and(|start| start.update.apply(&mut item));
                            prop_assert!(!done || !running, "two runs at once");
                            running |= done;
                            started += u64::from(done);
                            done
                        };
                        if did {
                            prop_assert!(due <= Millis(now) && handled.insert(due), "a due time was handled twice");
                            prop_assert!(read(&item).next_run_at.unwrap() > Millis(now));
                        }
                        stale = fresh;
                    }
                    Step::End if running => {
                        item.remove("active_run");
                        running = false;
                    }
                    Step::End => {}
                    Step::Change(interval) => {
                        let change =
                            ScheduleChange { interval_minutes: Some(interval), ..ScheduleChange::default() };
                        prop_assert!(read(&item).change(&change, Millis(now)).apply(&mut item));
                    }
                }
                let after = read(&item);
                prop_assert_eq!((after.total_runs, after.skipped_runs), (started, skipped));
                prop_assert_eq!(after.active_run.is_some(), running);
            }
        }
    }
}
