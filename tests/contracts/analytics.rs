//! `/analytics` and `/admin`: what is counted as tasks are submitted and end.

use anyhow::{Context, ensure};
use api::identity::Permission;
use drover_tests::quiet::QuietTasks;
use drover_tests::{Stack, User};
use extract::{Plan, TaskType};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};

const ALL: [Permission; 2] = [Permission::TasksRead, Permission::AnalyticsRead];

/// The parts of a usage object that count.
fn counts(usage: &Json) -> [u64; 5] {
    ["total_tasks", "completed_tasks", "failed_tasks", "cancelled_tasks", "compute_units_consumed"]
        .map(|name| usage[name].as_u64().unwrap_or(u64::MAX))
}

async fn metric(operator: &User, name: &str) -> anyhow::Result<u64> {
    operator.get("/admin/system-metrics").await?[name].as_u64().with_context(|| format!("no {name}"))
}

#[tokio::test]
async fn what_a_user_did_is_counted_as_it_happens() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let before = (metric(&operator, "total_tasks").await?, metric(&operator, "active_users").await?);
    let user = stack.user_with(Plan::Professional, 50, &ALL).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    // A run over midnight is of two days: each day is asked for.
    let first_day = Clock::system().now().day();
    let tasks = [
        quiet.pending(&user, "Completed", TaskType::SimpleScraping).await?,
        quiet.pending(&user, "Failed", TaskType::SimpleScraping).await?,
        quiet.pending(&user, "Open", TaskType::Monitoring).await?,
    ];
    quiet.complete(&tasks[0]).await?;
    quiet.fail(&tasks[1]).await?;

    let usage = user.get(&format!("/analytics/usage?period=daily&start_date={first_day}")).await?;
    ensure!(counts(&usage) == [3, 1, 1, 0, 1], "{usage}");
    ensure!((&usage["period"], &usage["compute_units_limit"]) == (&json!("daily"), &json!(50)), "{usage}");
    ensure!(usage["start_date"] == format!("{first_day}T00:00:00Z"), "{usage}");
    let types = json!([{"type": "simple_scraping", "count": 2}, {"type": "monitoring", "count": 1}]);
    ensure!(usage["top_task_types"] == types, "{usage}");
    let broken_down = usage["breakdown"].as_array().context("no breakdown")?;
    let sum = broken_down.iter().map(counts).fold([0; 5], |sum, day| [0, 1, 2, 3, 4].map(|n| sum[n] + day[n]));
    ensure!(sum == counts(&usage), "{usage}");

    let dashboard = user.get("/analytics/dashboard").await?;
    ensure!((&dashboard["active_tasks"], &dashboard["success_rate"]) == (&json!(1), &json!(0.5)), "{dashboard}");
    ensure!(dashboard["compute_units_remaining"] == 48, "one used, one set aside: {dashboard}");
    if Clock::system().now().day() == first_day {
        let today = (&dashboard["completed_tasks_today"], &dashboard["compute_units_used_today"]);
        ensure!(today == (&json!(1), &json!(1)), "{dashboard}");
    }
    let recent = dashboard["recent_tasks"].as_array().context("no tasks")?;
    let names: Vec<_> = recent.iter().filter_map(|task| task["name"].as_str()).collect();
    ensure!(names == ["Open", "Failed", "Completed"], "{dashboard}");
    ensure!(recent[0]["id"] == tasks[2].id.to_string() && recent[0]["status"] == "pending", "{dashboard}");
    ensure!(recent[0]["created_at"].as_str().and_then(Millis::parse).is_some(), "{dashboard}");

    // Others are busy at the same time.
    let after = (metric(&operator, "total_tasks").await?, metric(&operator, "active_users").await?);
    ensure!(after.0 >= before.0 + 3 && after.1 > before.1, "{before:?} became {after:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_cancelled_and_what_others_did_is_told_apart() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let all = Permission::ALL.map(|(_, permission)| permission);
    let (user, other) =
        (stack.user_with(Plan::Professional, 50, &all).await?, stack.user_with(Plan::Free, 50, &all).await?);
    let task = quiet.pending(&user, "Cancelled", TaskType::SimpleScraping).await?;
    user.call(Method::DELETE, &format!("/tasks/{}", task.id)).await?.success(200)?;
    let usage = user.get("/analytics/usage?period=weekly").await?;
    ensure!(counts(&usage) == [1, 0, 0, 1, 0], "{usage}");
    let usage = other.get("/analytics/usage").await?;
    ensure!(counts(&usage) == [0; 5] && usage["top_task_types"] == json!([]), "{usage}");
    let dashboard = other.get("/analytics/dashboard").await?;
    ensure!(dashboard["recent_tasks"] == json!([]) && dashboard["success_rate"] == 0.0, "{dashboard}");
    Ok(())
}

#[tokio::test]
async fn days_are_those_asked_for() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Professional, 50, &ALL).await?;
    let usage = user.get("/analytics/usage?period=monthly&start_date=2024-01-01&end_date=2024-01-31").await?;
    ensure!(usage["start_date"] == "2024-01-01T00:00:00Z" && usage["end_date"] == "2024-01-31T23:59:59Z", "{usage}");
    ensure!(counts(&usage) == [0; 5] && usage["breakdown"] == json!([]), "{usage}");
    for (query, field) in [
        ("period=yearly", "period"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2024-02-30", "end_date"),
        ("start_date=2024-01-02&end_date=2024-01-01", "end_date"),
        ("start_date=2023-01-01&end_date=2024-01-02", "start_date"),
    ] {
        let answer = user.call(Method::GET, &format!("/analytics/usage?{query}")).await?;
        ensure!(answer.invalid_fields()? == [field], "{query}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn analytics_want_their_permission_and_metrics_an_operator() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let others: Vec<_> = Permission::ALL
        .into_iter()
        .map(|(_, permission)| permission)
        .filter(|permission| *permission != Permission::AnalyticsRead)
        .collect();
    let without = stack.user_with(Plan::Professional, 10, &others).await?;
    for path in ["/analytics/usage", "/analytics/usage?period=x", "/analytics/dashboard"] {
        let message = without.call(Method::GET, path).await?.error(403, "authorization_error")?;
        ensure!(message.contains("analytics:read"), "{path}: {message}");
    }
    let user = stack.user().await?;
    user.call(Method::GET, "/admin/system-metrics").await?.error(403, "authorization_error")?;
    let metrics = stack.operating_user().await?.get("/admin/system-metrics").await?;
    for name in ["active_users", "total_tasks", "active_tasks", "queue_length"] {
        ensure!(metrics[name].is_u64(), "{metrics}");
    }
    ensure!(metrics["timestamp"].as_str().and_then(Millis::parse).is_some(), "{metrics}");
    for path in ["/analytics", "/analytics/", "/analytics/other", "/admin/other", "/admin"] {
        user.call(Method::GET, path).await?.error(404, "resource_not_found")?;
    }
    for path in ["/analytics/usage", "/analytics/dashboard", "/admin/system-metrics"] {
        user.call(Method::POST, path).await?.error(405, "method_not_allowed")?;
        let answer = user.anonymous(Method::GET, path).send().await?;
        ensure!(answer.status() == 401, "{path}: {}", answer.status());
    }
    Ok(())
}
