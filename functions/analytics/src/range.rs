//! Which days are asked about, and how they are put together.

use api::extract_cloud::{Detail, Error};
use api::query::Parameters;
use extract::Fault;
use input::schema::{moment, one_of};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;

/// The most days of one question: a year's.
const LONGEST: i32 = 366;

input::parameters! {
    /// Which days.
    pub(crate) RangeQuery {
        query "period" "How days are put together; `monthly` unless given." => one_of(Period::ALL.map(|(name, _)| name)),
        query "start_date" "The first day, UTC; the beginning of the last one's period unless given." => moment(),
        query "end_date" "The last day, a year after the first at most; today unless given." => moment(),
    }
}

/// How days are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Period {
    Daily,
    /// From Monday to Sunday.
    Weekly,
    Monthly,
}

/// Some days in a row, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) period: Period,
    pub(crate) first: Date,
    pub(crate) last: Date,
}

impl Period {
    const ALL: [(&'static str, Self); 3] =
        [("daily", Self::Daily), ("weekly", Self::Weekly), ("monthly", Self::Monthly)];

    /// The first day of the period that a day lies in.
    pub(crate) fn start(self, day: Date) -> Date {
        match self {
            Self::Daily => day,
            Self::Weekly => {
                let since = i64::from(day.weekday().since(Weekday::Monday));
                day.checked_sub(since.days()).unwrap_or(day)
            }
            Self::Monthly => day.first_of_month(),
        }
    }
}

impl Range {
    /// Reads `period`, `start_date` and `end_date`. Unless given, they are the month, and from its period's beginning until today.
    pub(crate) fn read(given: &Parameters, now: Millis) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let mut or_fault = |fault: Fault| faults.push(Detail { field: fault.field, message: fault.message });
        let names = Period::ALL.map(|(name, _)| name);
        let period = given.word("period", &names).unwrap_or_else(|fault| {
            or_fault(fault);
            None
        });
        let mut day = |name| {
            date(given, name).unwrap_or_else(|fault| {
                or_fault(fault);
                None
            })
        };
        let (start, end) = (day("start_date"), day("end_date"));
        if !faults.is_empty() {
            return Err(Error::Validation(faults));
        }
        let period = period.map_or(Period::Monthly, |place| Period::ALL[place].1);
        let today = now.day().parse().unwrap_or(Date::MAX);
        let last = end.unwrap_or_else(|| start.map_or(today, |start| start.max(today)));
        let first = start.unwrap_or_else(|| period.start(last));
        if first > last {
            return Err(Error::invalid("end_date", "must not be before start_date"));
        }
        let days = first.until(last).map_or(i32::MAX, |span| span.get_days());
        if days >= LONGEST {
            return Err(Error::invalid("start_date", format!("must lie at most {LONGEST} days before end_date")));
        }
        Ok(Self { period, first, last })
    }
}

fn date(given: &Parameters, name: &str) -> Result<Option<Date>, Fault> {
    let Some(text) = given.text(name, 40)? else { return Ok(None) };
    // In a query string an unescaped "+" of a zone arrives as a space.
    let moment = Millis::parse(text).or_else(|| Millis::parse(&text.replace(' ', "+")));
    let day = moment.and_then(|moment| moment.day().parse().ok());
    let wrong = || Fault::new(name, "must be an ISO 8601 date from 1970 on, such as 2024-01-15");
    day.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use axum::http::Request;

    use super::*;

    /// Monday, the 15th of January 2024.
    const NOW: Millis = Millis(1_705_314_600_000);

    async fn read(query: &str) -> Result<(Period, String, String), Vec<String>> {
        let (mut parts, ()) = Request::builder().uri(format!("/?{query}")).body(()).unwrap().into_parts();
        let Ok(given) = Parameters::from_request_parts(&mut parts, &()).await;
        match Range::read(&given, NOW) {
            Ok(range) => Ok((range.period, range.first.to_string(), range.last.to_string())),
            Err(Error::Validation(faults)) => Err(faults.into_iter().map(|fault| fault.field).collect()),
            Err(other) => panic!("{query}: {other}"),
        }
    }

    #[tokio::test]
    async fn days_that_are_not_given_are_the_current_periods() {
        for (query, period, first, last) in [
            ("", Period::Monthly, "2024-01-01", "2024-01-15"),
            ("period=weekly", Period::Weekly, "2024-01-15", "2024-01-15"),
            ("period=daily", Period::Daily, "2024-01-15", "2024-01-15"),
            ("start_date=2023-12-24", Period::Monthly, "2023-12-24", "2024-01-15"),
            ("start_date=2024-12-24", Period::Monthly, "2024-12-24", "2024-12-24"),
            ("end_date=2023-12-24&period=weekly", Period::Weekly, "2023-12-18", "2023-12-24"),
            ("start_date=2024-01-01&end_date=2024-01-31", Period::Monthly, "2024-01-01", "2024-01-31"),
            ("start_date=2024-01-01T23:30:00-01:00&end_date=2024-01-02", Period::Monthly, "2024-01-02", "2024-01-02"),
            ("start_date=2024-01-01&end_date=2024-12-31", Period::Monthly, "2024-01-01", "2024-12-31"),
        ] {
            assert_eq!(read(query).await, Ok((period, first.to_owned(), last.to_owned())), "{query}");
        }
    }

    #[tokio::test]
    async fn each_fault_names_its_parameter() {
        for (query, fields) in [
            ("period=yearly", vec!["period"]),
            ("period=Daily&start_date=x&end_date=2024-13-01", vec!["period", "start_date", "end_date"]),
            ("start_date=1969-12-31", vec!["start_date"]),
            ("start_date=2024-01-02&end_date=2024-01-01", vec!["end_date"]),
            ("start_date=2024-01-01&end_date=2025-01-01", vec!["start_date"]),
            ("start_date=1970-01-01", vec!["start_date"]),
            ("start_date=2024-01-01%00", vec!["start_date"]),
        ] {
            assert_eq!(read(query).await, Err(fields.into_iter().map(str::to_owned).collect()), "{query}");
        }
    }
}
