//! When something is done again and again: `hourly`, `daily`, `weekly`, or the five fields of a crontab, in UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jobs::next_due;
use serde::{Deserialize, Serialize};
use table::Millis;
use thiserror::Error;

/// The longest crontab, in bytes.
pub(crate) const LONGEST: usize = 256;
/// The least minutes from one run to the next.
const LEAST_MINUTES: u16 = 5;
/// Where a search for a run begins when only whether there is one matters: the schedule decides, not the day it is made.
const ANY_TIME: Millis = Millis(1_700_000_000_000);

/// When something is done again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Every hour, counted from the first run.
    Hourly,
    /// Every 24 hours, counted from the first run.
    #[default]
    Daily,
    /// Every seven days, counted from the first run.
    Weekly,
    /// At the minutes that a crontab names, in UTC.
    Cron(Box<Crontab>),
}

/// The five fields of a crontab, never more often than every five minutes.
#[derive(Clone, Debug)]
pub struct Crontab {
    text: String,
    cron: Cron,
}

/// Why a text is no schedule.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// It is neither a word nor five fields.
    #[error("must be hourly, daily, weekly, or the five fields of a crontab such as '0 6 * * 1-5'")]
    Form,
    /// A field cannot be read.
    #[error("is not a crontab: {0}")]
    Cron(String),
    /// It would run too often.
    #[error("must leave at least {LEAST_MINUTES} minutes between two runs")]
    TooOften,
    /// It would never run.
    #[error("names a day that never comes")]
    Never,
}

impl Schedule {
    /// The run that follows the one that was due at `due`, where it is `now`: those that were missed meanwhile are left out. None if there is none in
    /// centuries.
    #[must_use]
    pub fn next_run(&self, due: Millis, now: Millis) -> Option<Millis> {
        let every = |hours| Some(next_due(due, Duration::from_hours(hours), now));
        match self {
            Self::Hourly => every(1),
            Self::Daily => every(24),
            Self::Weekly => every(7 * 24),
            Self::Cron(crontab) => crontab.next_after(due.max(now)),
        }
    }
}

impl Crontab {
    fn next_after(&self, moment: Millis) -> Option<Millis> {
        let moment = jiff::Timestamp::from_millisecond(i64::try_from(moment.0).ok()?).ok()?.to_zoned(TimeZone::UTC);
        let next = self.cron.find_next_occurrence(&moment, false).ok()?;
        u64::try_from(next.timestamp().as_millisecond()).ok().map(Millis)
    }

    /// Whether two runs may lie closer together than is allowed, on a day or over midnight.
    fn is_too_often(&self) -> bool {
        let pattern = &self.cron.pattern;
        let minutes = pattern.minutes.values();
        let runs: Vec<u16> = pattern
            .hours
            .values()
            .into_iter()
            .flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute))
            .collect();
        let over_midnight = runs.first().zip(runs.last()).map(|(first, last)| first + 24 * 60 - last);
        runs.array_windows().map(|[one, next]| next - one).chain(over_midnight).any(|pause| pause < LEAST_MINUTES)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        match text {
            "hourly" => return Ok(Self::Hourly),
            "daily" => return Ok(Self::Daily),
            "weekly" => return Ok(Self::Weekly),
            _ => {}
        }
        let is_plain = text.len() <= LONGEST && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !is_plain || text.split_whitespace().count() != 5 {
            return Err(ScheduleError::Form);
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| ScheduleError::Cron(error.to_string()))?;
        let crontab = Crontab { text: text.to_owned(), cron };
        if crontab.is_too_often() {
            return Err(ScheduleError::TooOften);
        }
        if crontab.next_after(ANY_TIME).is_none() {
            return Err(ScheduleError::Never);
        }
        Ok(Self::Cron(Box::new(crontab)))
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Cron(crontab) => &crontab.text,
        })
    }
}

impl PartialEq for Crontab {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Crontab {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_words_or_crontabs_that_leave_five_minutes() {
        for (text, is_one) in [
            ("hourly", true),
            ("daily", true),
            ("weekly", true),
            ("0 6 * * 1-5", true),
            ("*/5 * * * *", true),
            ("0,59 3 * * *", true),
            ("0 0 29 2 *", true),
            ("30 4 1,15 * MON-FRI", true),
            ("59 23 * * 7", true),
            ("", false),
            ("Daily", false),
            ("monthly", false),
            ("@daily", false),
            ("* * * * *", false),
            ("*/4 * * * *", false),
            ("0,4 * * * *", false),
            ("0,59 * * * *", false),
            ("58 23,0 * * *", true),
            ("1,58 23,0 * * *", false),
            ("0 0 30 2 *", false),
            ("60 * * * *", false),
            ("0 24 * * *", false),
            ("0 0 0 * *", false),
            ("0 0 * 13 *", false),
            ("0 0 * * 8", false),
            ("0 0 * *", false),
            ("0 0 0 * * *", false),
            ("0 0 * * * 2030", false),
            ("*/0 * * * *", false),
            ("a b c d e", false),
            ("0 0 * * \u{661}", false),
            ("0\n0 * * *", false),
        ] {
            let read = text.parse::<Schedule>();
            assert_eq!(read.is_ok(), is_one, "{text}: {read:?}");
            if let Ok(schedule) = read {
                assert_eq!(schedule.to_string(), text);
            }
        }
        assert!(format!("{}0 0 * * *", " ".repeat(LONGEST)).parse::<Schedule>().is_err());
    }

    #[test]
    fn runs_that_were_missed_are_left_out_and_the_rhythm_stays() {
        let at = |text: &str| Millis::parse_timestamp(text).unwrap();
        for (schedule, due, now, next) in [
            ("hourly", "2024-01-31T10:00:00Z", "2024-01-31T10:00:09Z", "2024-01-31T11:00:00Z"),
            ("hourly", "2024-01-31T10:00:00Z", "2024-01-31T11:00:00Z", "2024-01-31T12:00:00Z"),
            ("hourly", "2024-01-31T10:00:00Z", "2024-02-02T15:20:00Z", "2024-02-02T16:00:00Z"),
            ("daily", "2024-01-31T10:00:00Z", "2024-02-02T09:59:59Z", "2024-02-02T10:00:00Z"),
            ("*/15 * * * *", "2024-01-31T10:00:00Z", "2024-01-31T10:40:00Z", "2024-01-31T10:45:00Z"),
            // A clock that is behind, or a run that came early.
            ("hourly", "2024-01-31T10:00:00Z", "2024-01-31T08:00:00Z", "2024-01-31T11:00:00Z"),
        ] {
            let found = schedule.parse::<Schedule>().unwrap().next_run(at(due), at(now));
            assert_eq!(found, Some(at(next)), "{schedule} {now}");
        }
    }

    #[test]
    fn the_next_run_is_counted_or_found_in_utc() {
        let at = |text: &str| Millis::parse_timestamp(text).unwrap();
        for (schedule, moment, next) in [
            ("hourly", "2024-01-31T23:30:05Z", "2024-02-01T00:30:05Z"),
            ("daily", "2024-02-28T10:00:00Z", "2024-02-29T10:00:00Z"),
            ("weekly", "2024-02-28T10:00:00Z", "2024-03-06T10:00:00Z"),
            ("0 6 * * 1-5", "2024-03-01T06:00:00Z", "2024-03-04T06:00:00Z"),
            ("*/15 * * * *", "2024-03-01T06:07:30Z", "2024-03-01T06:15:00Z"),
            ("0 0 29 2 *", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            // As cron has it: either of the two days, where both are named.
            ("0 0 13 * 5", "2024-09-01T00:00:00Z", "2024-09-06T00:00:00Z"),
        ] {
            let found = schedule.parse::<Schedule>().unwrap().next_run(at(moment), at(moment));
            assert_eq!(found, Some(at(next)), "{schedule}");
        }
    }
}
