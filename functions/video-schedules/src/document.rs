//! Parameters and bodies as the document tells them.

use input::schema::{flag, uuid};
use videos::ScheduleForm;

input::parameters! {
    /// The schedule of a path.
    pub(crate) SchedulePath {
        path "job_id" "The schedule's id." => uuid(),
    }
}

input::parameters! {
    /// Which schedules.
    pub(crate) ScheduleQuery {
        query "enabled" "Those that run only, or those that do not." => flag(),
    }
}

input::forms! {
    /// A schedule that is to be made.
    pub(crate) NewVideoSchedule of ScheduleForm, needs ScheduleForm::NEEDED, example {
        "name": "Daily Scrape - @khaby.lame", "mode": "profile", "value": "khaby.lame", "limit": 50, "no_watermark": true,
        "interval_minutes": 1440, "enabled": true
    };
    /// Any fields of a schedule; one that is null stays as it is.
    pub(crate) VideoScheduleChange of ScheduleForm, needs [], example {"interval_minutes": 720};
}
