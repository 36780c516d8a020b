//! `/analytics/usage`.

use api::extract_cloud::{Caller, Error, Reply};
use api::identity::Permission;
use api::query::Parameters;
use axum::extract::State;
use axum::http::StatusCode;
use extract::{DayUsage, TaskType};
use jobs::usage::Counts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::range::{Period, Range, RangeQuery};

/// The contract's usage object, and beside it what happened in each period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    period: Period,
    start_date: String,
    end_date: String,
    total_tasks: u64,
    completed_tasks: u64,
    failed_tasks: u64,
    cancelled_tasks: u64,
    compute_units_consumed: u64,
    compute_units_limit: u64,
    top_task_types: Vec<TypeCount>,
    breakdown: Vec<Part>,
}

/// How many tasks of a type were submitted.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct TypeCount {
    #[serde(rename = "type")]
    task_type: TaskType,
    count: u64,
}

/// What happened in one day, week or month; the first and the last one only as far as was asked for.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct Part {
    start_date: String,
    total_tasks: u64,
    completed_tasks: u64,
    failed_tasks: u64,
    cancelled_tasks: u64,
    compute_units_consumed: u64,
}

/// `GET /analytics/usage`: what the caller did in some days.
#[utoipa::path(get, path = "/analytics/usage", tag = "Analytics", params(RangeQuery),
    responses((status = 200, body = Usage)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, given: Parameters) -> Result<Reply<Usage>, Error> {
    caller.require(Permission::AnalyticsRead)?;
    let range = Range::read(&given, app.jobs.clock.now())?;
    let (first, last) = (range.first.to_string(), range.last.to_string());
    let (account, days) =
        tokio::join!(app.accounts.get(&caller.user_id), app.accounts.days(&caller.user_id, &first, &last));
    let limit = account?.map_or(0, |account| account.period.units_limit);
    Ok(Reply(StatusCode::OK, view(range, &days?, limit)))
}

fn view(range: Range, days: &[DayUsage], compute_units_limit: u64) -> Usage {
    let total = days.iter().fold(Counts::default(), |sum, day| sum.plus(day.counts));
    Usage {
        period: range.period,
        start_date: format!("{}T00:00:00Z", range.first),
        end_date: format!("{}T23:59:59Z", range.last),
        total_tasks: total.submitted,
        completed_tasks: total.completed,
        failed_tasks: total.failed,
        cancelled_tasks: total.cancelled,
        compute_units_consumed: total.units_used,
        compute_units_limit,
        top_task_types: top_types(days),
        breakdown: breakdown(range, days),
    }
}

/// The types that tasks were of, the most frequent first.
fn top_types(days: &[DayUsage]) -> Vec<TypeCount> {
    let count = |task_type| days.iter().map(|day| day.submitted_of(task_type)).sum();
    let mut types: Vec<_> = TaskType::ALL
        .into_iter()
        .map(|task_type| TypeCount { task_type, count: count(task_type) })
        .filter(|found| found.count > 0)
        .collect();
    types.sort_by_key(|found| std::cmp::Reverse(found.count));
    types
}

/// What happened in each period in which anything did, in order.
fn breakdown(range: Range, days: &[DayUsage]) -> Vec<Part> {
    let mut parts: Vec<(jiff::civil::Date, Counts)> = Vec::new();
    for day in days {
        let Ok(date) = day.day().parse() else { continue };
        let start = range.period.start(date).max(range.first);
        match parts.last_mut().filter(|(last, _)| *last == start) {
            Some((_, counts)) => *counts = counts.plus(day.counts),
            None => parts.push((start, day.counts)),
        }
    }
    let part = |(start, counts): (jiff::civil::Date, Counts)| Part {
        start_date: format!("{start}T00:00:00Z"),
        total_tasks: counts.submitted,
        completed_tasks: counts.completed,
        failed_tasks: counts.failed,
        cancelled_tasks: counts.cancelled,
        compute_units_consumed: counts.units_used,
    };
    parts.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn day(date: &str, counts: &serde_json::Value) -> DayUsage {
        let mut day = json!({"pk": "USER#u", "sk": format!("USAGE#{date}")});
        for (name, count) in counts.as_object().unwrap() {
            day[name] = count.clone();
        }
        serde_json::from_value(day).unwrap()
    }

    #[test]
    fn days_are_added_up_in_all_and_by_period() {
        let days = [
            day(
                "2024-01-31",
                &json!({"submitted": 3, "completed": 2, "units_used": 5, "simple_scraping": 1, "monitoring": 2}),
            ),
            day("2024-02-01", &json!({"submitted": 1, "failed": 1, "cancelled": 1, "bulk_scraping": 1})),
        ];
        let date = |text: &str| text.parse().unwrap();
        let range = |period| Range { period, first: date("2024-01-30"), last: date("2024-02-03") };
        let usage = serde_json::to_value(view(range(Period::Monthly), &days, 10)).unwrap();
        assert_eq!(
            usage,
            json!({
                "period": "monthly", "start_date": "2024-01-30T00:00:00Z", "end_date": "2024-02-03T23:59:59Z", "total_tasks": 4,
                "completed_tasks": 2, "failed_tasks": 1, "cancelled_tasks": 1, "compute_units_consumed": 5, "compute_units_limit": 10,
                "top_task_types": [
                    {"type": "monitoring", "count": 2},
                    {"type": "simple_scraping", "count": 1},
                    {"type": "bulk_scraping", "count": 1},
                ],
                "breakdown": [
                    {"start_date": "2024-01-30T00:00:00Z", "total_tasks": 3, "completed_tasks": 2, "failed_tasks": 0, "cancelled_tasks": 0,
                     "compute_units_consumed": 5},
                    {"start_date": "2024-02-01T00:00:00Z", "total_tasks": 1, "completed_tasks": 0, "failed_tasks": 1, "cancelled_tasks": 1,
                     "compute_units_consumed": 0},
                ],
            })
        );
        let starts =
            |period| breakdown(range(period), &days).into_iter().map(|part| part.start_date).collect::<Vec<_>>();
        assert_eq!(starts(Period::Weekly), ["2024-01-30T00:00:00Z"], "one week, which began before");
        assert_eq!(starts(Period::Daily), ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z"]);
    }
}
