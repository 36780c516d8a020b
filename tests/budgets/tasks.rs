//! The cost of a whole task in the scraper, from its message to its end.
//!
//! The line of the user's tasks, the best of them, its claim, its end, the log, and the line again for who is next are six requests, however many
//! pages there are; each page's log line is one write unit, and a task of 20 is over a kilobyte. A task that takes longer
//! records a step every two seconds, at two requests each. A deployment that keeps a pause between requests to one host (the default;
//! tests have none) makes one or two requests more for each page, of the table of limits.

use anyhow::{Context, ensure};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use drover_tests::monitor::Monitor;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of, key_of};
use jobs::Status;
use reqwest::Method;
use serde_json::json;
use table::Clock;
use tokio::time::timeout;

use super::cost::{Cost, least, one_is_within};
use super::requests::LINE_PATIENCE;

/// What a task of so many pages may cost.
const BOUNDS: [(usize, Cost); 2] = [(1, Cost::new(6, 3.0, 31.0, 1)), (20, Cost::new(6, 3.0, 54.0, 1))];

/// What it costs to claim a task that needs a browser and to give it back, and one message.
const HANDED_ON: Cost = Cost::new(4, 2.0, 15.0, 1);

/// What the function that has a browser does of such a task of one page: it has its slot already, and is the next in line.
const RENDERED: Cost = Cost::new(5, 2.0, 24.0, 1);

/// What a task in bulk of 20 pages in two batches may cost: to hand out, twice a batch, and to put together. Of the others there are 8, and 9 on LocalStack.
const IN_BULK: Cost = Cost::new(37, 18.0, 139.0, 9);
const IN_BULK_MESSAGES: usize = 4;

/// What a check of a monitor may cost, and whether it finds something to tell.
const CHECKS: [(&str, bool, Cost); 2] =
    [("no change", false, Cost::new(10, 6.0, 38.0, 1)), ("a change", true, Cost::new(13, 6.0, 47.0, 6))];
/// What the first check may cost.
const FIRST_CHECK: Cost = Cost::new(7, 4.0, 33.0, 3);

/// How often each is measured: on a busy machine a task may take so long that it records another step.
const RUNS: usize = 3;

#[tokio::test]
async fn a_whole_task_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::serve(Router::new().route("/page", get(async || Html("<p class=t>One</p>")))).await?;
    for (pages, bound) in BOUNDS {
        let bound = bound.measurable_on(&stack);
        let mut costs = Vec::new();
        for _ in 0..RUNS {
            let since = Clock::system().now();
            let urls: Vec<_> = (0..pages).map(|_| site.url("/page")).collect();
            let task = user.create_task(json!({"urls": urls, "selectors": {"t": ".t"}})).await?;
            let ended = stack.ended(&key_of(&user, &task)?).await?;
            ensure!(ended.job.status == Status::Completed, "{ended:?}");
            costs.push(cost_of(&stack, "extract-scraper", since, id_of(&task)?, 1).await?);
        }
        let least = least(&costs).context("no costs")?;
        println!("{pages:2} pages: {least}");
        ensure!(one_is_within(&costs, &bound), "{pages} pages: {costs:?} is more than {bound:?}");
    }
    Ok(())
}

/// A page that needs a browser: the task is claimed and given back by the function that has none, and done by the one that has.
#[tokio::test]
async fn a_task_that_is_handed_on_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::of([("/", "<h1>Page</h1>".to_owned())]).await?;
    let bounds = [("extract-scraper", HANDED_ON), ("extract-browser", RENDERED)];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        let since = Clock::system().now();
        let config = json!({"urls": [site.url("/")], "selectors": {"title": "h1"}});
        let body = json!({"name": "Page", "task_type": "advanced_scraping", "config": config});
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        let task = user.ended(&task).await?;
        ensure!(task["status"] == "completed", "{task}");
        for ((function, _), costs) in bounds.iter().zip(&mut costs) {
            costs.push(cost_of(&stack, function, since, id_of(&task)?, 1).await?);
        }
    }
    for ((function, bound), costs) in bounds.into_iter().zip(costs) {
        let (least, bound) = (least(&costs).context("no costs")?, bound.measurable_on(&stack));
        println!("{function}: {least}");
        ensure!(one_is_within(&costs, &bound), "{function}: {costs:?} is more than {bound:?}");
    }
    Ok(())
}

/// A check that finds nothing new, and one that finds something to tell: an update that makes it wait, four requests as of any task, its account's plan,
/// the log; what is known is read once, and written in three files where it is new, of which those of two checks before are deleted; what was found
/// is recorded, the e-mail counted and sent.
#[tokio::test]
async fn a_check_of_a_monitor_is_within_its_budget() -> anyhow::Result<()> {
    let since = Clock::system().now();
    let (shop, monitor) = Monitor::of("£100").await?;
    let id = monitor.path.trim_start_matches("/tasks/").to_owned();
    let first = cost_of(&monitor.stack, "extract-scraper", since, &id, 1).await?;
    println!("the first check: {first}");
    ensure!(first.is_within(&FIRST_CHECK.measurable_on(&monitor.stack)), "the first check: {first:?}");
    let mut check = 1;
    for (what, changes, bound) in CHECKS {
        let bound = bound.measurable_on(&monitor.stack);
        let mut costs = Vec::new();
        for _ in 0..RUNS {
            let since = Clock::system().now();
            check += 1;
            if changes {
                shop.costs(Some(&format!("£{}", 100 * check)));
            }
            monitor.check(check).await?;
            costs.push(cost_of(&monitor.stack, "extract-scraper", since, &id, 1).await?);
        }
        let least = least(&costs).context("no costs")?;
        println!("{what}: {least}");
        ensure!(one_is_within(&costs, &bound), "{what}: {costs:?} is more than {bound:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_task_in_bulk_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::serve(Router::new().route("/page", get(async || Html("<p class=t>One</p>")))).await?;
    let urls: Vec<_> = (0..20).map(|_| site.url("/page")).collect();
    let config = json!({"urls": urls, "selectors": {"t": ".t"}, "parallel_requests": 2});
    let (since, mut tasks) = (Clock::system().now(), Vec::new());
    for _ in 0..RUNS {
        let body = json!({"name": "Many", "task_type": "bulk_scraping", "config": config});
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        let ended = user.ended(&task).await?;
        ensure!(ended["status"] == "completed", "{ended}");
        tasks.push(id_of(&task)?.to_owned());
    }
    let costs = costs_of(&stack, "extract-scraper", since, &tasks, IN_BULK_MESSAGES).await?;
    let (least, bound) = (least(&costs).context("no costs")?, IN_BULK.measurable_on(&stack));
    println!("in bulk: {least}");
    ensure!(one_is_within(&costs, &bound), "{costs:?} is more than {bound:?}");
    Ok(())
}

/// [`cost_of`] each of these that all of its lines are told of: the emulator tells a process's last lines with its next request, if there is one.
pub(super) async fn costs_of(
    stack: &Stack,
    function: &str,
    since: table::Millis,
    tasks: &[String],
    messages: usize,
) -> anyhow::Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for task in tasks {
        if let Ok(cost) = timeout(LINE_PATIENCE, cost_of(stack, function, since, task, messages)).await {
            costs.push(cost?);
        }
    }
    Ok(costs)
}

/// What a function logged that the messages cost by which it came to a task or a job, or to its parts.
async fn cost_of(
    stack: &Stack,
    function: &str,
    since: table::Millis,
    task: &str,
    messages: usize,
) -> anyhow::Result<Cost> {
    eventually(&format!("the lines of {task}'s messages at {function}"), async || {
        let claimed = stack.log_lines(function, since, &[task, "claimed"]).await?;
        let (mut done, mut cost) = (0, Cost::NOTHING);
        for message in claimed.iter().filter_map(|line| line["span"]["message_id"].as_str()) {
            for line in stack.log_lines(function, since, &[message, "message done"]).await? {
                (done, cost) = (done + 1, cost.plus(&Cost::logged(&line)?));
            }
        }
        Ok((done == messages).then_some(cost))
    })
    .await
}
