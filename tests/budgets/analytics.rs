//! The cost of one request at each endpoint of the analytics.

use anyhow::{Context, ensure};
use drover_tests::quiet::QuietTasks;
use drover_tests::{Stack, User};
use extract::TaskType;
use reqwest::Method;
use table::Clock;

use super::bound::{As, Bound};
use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over, warm_up};

/// Every endpoint, asked by a user with a task of today or by an operator. The metrics read 32 parts of the totals by a `BatchGetItem`, of
/// which the emulator tells no capacity: DynamoDB charges a read unit for each.
pub(super) fn bounds() -> Vec<Bound<As>> {
    let year = "/analytics/usage?start_date=2024-01-01&end_date=2024-12-31";
    let get = |what, path, status, cost| Bound::get(what, path, As::Key, status, cost);
    //                                                                         DynamoDB, read, written, others
    vec![
        get("usage", "/analytics/usage", 200, Cost::new(3, 2.0, 1.0, 0)),
        get("usage of a year", year, 200, Cost::new(3, 2.0, 1.0, 0)),
        get("usage, at fault", "/analytics/usage?period=x", 400, Cost::new(1, 0.0, 1.0, 0)),
        get("dashboard", "/analytics/dashboard", 200, Cost::new(4, 3.0, 1.0, 0)),
        get("metrics", "/admin/system-metrics", 200, Cost::new(2, 0.0, 1.0, 1)),
    ]
}

#[tokio::test]
async fn analytics_are_within_their_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator) = (stack.user().await?, stack.operating_user().await?);
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    quiet.pending(&user, "Today's", TaskType::SimpleScraping).await?;
    let caller = |path: &str| -> &User { if path.starts_with("/admin") { &operator } else { &user } };
    warm_up(async || user.get("/analytics/usage").await).await?;
    warm_up(async || operator.get("/admin/system-metrics").await).await?;
    let mut faults = Vec::new();
    for Bound { what, path, status, cost, .. } in bounds() {
        let cost = cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            cost_of(&stack, "analytics", caller(path).request(Method::GET, path), status).await
        })
        .await
        .context(what)?;
        faults.extend(over(what, &costs, &cost, &KEY)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
