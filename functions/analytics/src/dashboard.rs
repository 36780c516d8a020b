//! `/analytics/dashboard`.

use api::extract_cloud::{Caller, Error, Reply};
use api::identity::Permission;
use axum::extract::State;
use axum::http::StatusCode;
use extract::{ListError, SortBy, Task, TaskQuery};
use jobs::{Account, Status};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// How many of the newest tasks are shown.
const RECENT: u32 = 5;

/// The contract's dashboard object.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "active_tasks": 3, "completed_tasks_today": 12, "compute_units_used_today": 150, "compute_units_remaining": 7500,
    "success_rate": 0.955, "recent_tasks": [{
        "id": "550e8400-e29b-41d4-a716-446655440000", "name": "Product Scraping", "status": "completed",
        "created_at": "2024-01-15T09:00:00Z"}],
}))]
pub(crate) struct Dashboard {
    active_tasks: i64,
    completed_tasks_today: u64,
    compute_units_used_today: u64,
    compute_units_remaining: i64,
    success_rate: f64,
    recent_tasks: Vec<Recent>,
}

/// A task in short.
#[derive(Debug, Serialize, ToSchema)]
struct Recent {
    id: String,
    name: String,
    status: Status,
    created_at: String,
}

/// `GET /analytics/dashboard`: how the caller stands now. A day is one of UTC.
#[utoipa::path(get, path = "/analytics/dashboard", tag = "Analytics", responses((status = 200, body = Dashboard)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Reply<Dashboard>, Error> {
    caller.require(Permission::AnalyticsRead)?;
    let (user, today) = (&caller.user_id, app.jobs.clock.now().day());
    let newest = newest();
    let (account, days, tasks) =
        tokio::join!(app.accounts.get(user), app.accounts.days(user, &today, &today), app.tasks.list(user, &newest));
    let account = account?.map(|account| account.account).unwrap_or_default();
    let counts = days?.first().map(|day| day.counts).unwrap_or_default();
    let (tasks, _) = tasks.map_err(|error| match error {
        ListError::TooFar => Error::Internal,
        ListError::Table(error) => error.into(),
    })?;
    let dashboard = Dashboard {
        active_tasks: account.jobs_open,
        completed_tasks_today: counts.completed,
        compute_units_used_today: counts.units_used,
        compute_units_remaining: account.units_available.max(0),
        success_rate: success_rate(&account),
        recent_tasks: tasks.into_iter().map(Recent::from).collect(),
    };
    Ok(Reply(StatusCode::OK, dashboard))
}

const fn newest() -> TaskQuery {
    TaskQuery {
        page: 1,
        page_size: RECENT,
        sort_by: SortBy::CreatedAt,
        descending: true,
        statuses: Vec::new(),
        task_types: Vec::new(),
        created_after: None,
        created_before: None,
        name_contains: None,
    }
}

impl From<Task> for Recent {
    fn from(task: Task) -> Self {
        let Task { id, name, job, .. } = task;
        Self { id: id.to_string(), name, status: job.status, created_at: job.created_at.to_string() }
    }
}

/// How many of all tasks that ended by themselves ended well, to three places; 0 as long as none has ended.
fn success_rate(account: &Account) -> f64 {
    let ended = account.jobs_completed + account.jobs_failed;
    let thousandths = (account.jobs_completed * 1_000 + ended / 2).checked_div(ended).unwrap_or(0);
    f64::from(i32::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_success_rate_has_three_places() {
        for (completed, failed, rate) in
            [(0, 0, "0.0"), (0, 3, "0.0"), (18, 1, "0.947"), (2, 1, "0.667"), (5, 0, "1.0")]
        {
            let account = Account { jobs_completed: completed, jobs_failed: failed, ..Account::default() };
            assert_eq!(format!("{:?}", success_rate(&account)), rate);
        }
    }
}
