//! The names of fields that scripts rely on: those of what is listed. (Those of a job are in `jobs.rs`.)

use jobs::Status;
use operations::{
    Action, DayRow, Entry, JobName, Kind, Outcome, PartRow, PlanUsage, Runs, ScheduleKind, ScheduleName, ScheduleRow,
    TrailEvent, Usage,
};
use serde::Serialize;
use table::Millis;
use uuid::Uuid;

fn names(row: impl Serialize) -> Vec<String> {
    let json = serde_json::to_value(row).unwrap();
    json.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn what_is_listed_has_the_fields_that_are_promised() {
    let (at, text) = (Millis(0), || "x".to_owned());
    let schedule = ScheduleRow {
        name: ScheduleName::new(ScheduleKind::Video, "t", Uuid::nil()).unwrap(),
        title: text(),
        what: text(),
        every: text(),
        paused: false,
        next_run_at: Some(at),
        last_run_at: Some(at),
        last_outcome: Some(Status::Completed),
        last_error: None,
        active_run: JobName::new(Kind::Video, "t", Uuid::nil()),
        runs: None,
    };
    let runs = Runs { started: 1, completed: 1, failed: 0, cancelled: 0, skipped: 0 };
    let part = PartRow {
        number: 1,
        title: text(),
        status: Status::Failed,
        progress: 0,
        attempts: 1,
        held: None,
        completed_at: None,
        error: None,
    };
    let entry = Entry { at, by: text(), action: Action::CreateUser, on: text(), outcome: Outcome::Done, detail: None };
    let event = TrailEvent { action: text(), at, by: text(), detail: None };
    let usage = Usage {
        kind: Kind::Extract,
        tenant: text(),
        plan: None,
        jobs_open: 0,
        jobs_completed: 0,
        jobs_failed: 0,
        jobs_cancelled: 0,
        slots: 1,
        slots_free: 1,
        days: Vec::new(),
    };
    let plan = PlanUsage {
        plan: "free",
        units_limit: 1,
        units_used: 0,
        units_reserved: 0,
        units_available: 1,
        period_end: at,
    };
    let day = DayRow { day: text(), submitted: 0, completed: 0, failed: 0, cancelled: 0, units_used: 0 };
    for (has, promised) in [
        (
            names(schedule),
            "kind tenant id title what every paused next_run_at last_run_at last_outcome last_error active_run runs",
        ),
        (names(runs), "started completed failed cancelled skipped"),
        (names(part), "number title status progress attempts held completed_at error"),
        (names(entry), "at by action on outcome detail"),
        (names(event), "action at by detail"),
        (names(usage), "kind tenant plan jobs_open jobs_completed jobs_failed jobs_cancelled slots slots_free days"),
        (names(plan), "plan units_limit units_used units_reserved units_available period_end"),
        (names(day), "day submitted completed failed cancelled units_used"),
    ] {
        assert_eq!(has, promised.split(' ').collect::<Vec<_>>());
    }
}
