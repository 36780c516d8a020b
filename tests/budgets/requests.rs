//! Measuring what requests cost, and holding it to a bound.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::{Stack, eventually};
use futures::future::try_join_all;
use reqwest::RequestBuilder;
use table::{Clock, new_id};
use tokio::time::timeout;

use super::cost::{Cost, least, one_is_within};

/// What a function costs more that has not seen the caller's key in the last 30 seconds.
pub(crate) const KEY: Cost = Cost::new(1, 0.5, 0.0, 0);
/// The same of the extraction cloud: the key, its owner, and in every five minutes the note that it is used.
pub(crate) const CLOUD_KEY: Cost = Cost::new(3, 1.0, 1.0, 0);
/// How long a request's access line is waited for.
pub(super) const LINE_PATIENCE: Duration = Duration::from_secs(15);
/// How many requests go before, at once, so that most functions know the caller's key.
const WARMING: usize = 20;
/// How often each request is made, at most, until it meets a warm function.
const CALLS: usize = 8;

/// Makes a request, which must be answered with `status`, and gives what its function logged that it cost. None if that is not told in time:
/// on a busy machine the emulator tells a process's last lines with its next request only.
pub(crate) async fn cost_of(
    stack: &Stack,
    function: &str,
    request: RequestBuilder,
    status: u16,
) -> anyhow::Result<Option<Cost>> {
    let since = Clock::system().now();
    let id = format!("budget-{}", new_id(since));
    let answer = request.header("x-request-id", &id).send().await?;
    let found = answer.status().as_u16();
    ensure!(found == status, "answered {found}: {}", answer.text().await?);
    let line = eventually("the access line", async || {
        let lines = stack.log_lines(function, since, &[&id]).await?;
        Ok(lines.into_iter().find(|line| line["message"] == "answered"))
    });
    match timeout(LINE_PATIENCE, line).await {
        Ok(line) => Cost::logged(&line?).map(Some),
        Err(_) => Ok(None),
    }
}

/// Shows a caller's key to the functions that answer this request.
pub(crate) async fn warm_up<T>(ask: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<()> {
    try_join_all((0..WARMING).map(|_| ask())).await.map(drop)
}

/// What a request costs: measured until it is within its bound, and no more than some times.
pub(crate) async fn measured(
    bound: &Cost,
    mut once: impl AsyncFnMut() -> anyhow::Result<Option<Cost>>,
) -> anyhow::Result<Vec<Cost>> {
    let mut costs = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        costs.extend(once().await?);
        if costs.last().is_some_and(|cost: &Cost| cost.is_within(bound)) {
            break;
        }
    }
    Ok(costs)
}

/// What is wrong with the costs of a request, if anything: one of them must be within the bound, and none may be more than what a cold function
/// costs on top of it.
pub(crate) fn over(what: &str, costs: &[Cost], bound: &Cost, cold: &Cost) -> anyhow::Result<Option<String>> {
    let warm = least(costs).context("no costs")?;
    println!("{what:25} {warm}");
    let holds = one_is_within(costs, bound) && costs.iter().all(|cost| cost.is_within(&bound.plus(cold)));
    Ok((!holds).then(|| format!("{what}: {costs:?} is more than {bound:?}")))
}
