//! What the console's pages cost: ten requests of DynamoDB at most, also with a hundred thousand jobs and
//! credentials (scale.rs).

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::monitor::Monitor;
use reqwest::Method;
use serde_json::json;

use crate::budgets::cost::Cost;
use crate::budgets::requests::{cost_of, measured, over};
use crate::operations::console::one_of_each;

/// What a page may cost; its units are bounded by those of the lists that it shows.
const fn page(requests: u32) -> Cost {
    Cost::new(requests, f64::INFINITY, 0.0, 0)
}

/// What a function costs more that reads the keys of sessions first.
const COLD: Cost = Cost::new(0, 0.0, 0.0, 2);

#[tokio::test]
async fn every_page_is_within_ten_requests() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, pool, client) = (stack.console().await?, stack.pool(3).await?, stack.unheard_client().await?);
    let schedule = client.schedule("Daily", 60).await?["id"].as_str().context("no id")?.to_owned();
    let studio = stack.studio(table::Clock::system()).await?;
    let job = studio.listed(&client.tenant, "a", &["1", "2"]).await?.id;
    let tenant = &client.tenant;
    let held = pool.scraper.claim_one(&pool.platform).await?.id;
    let letter = stack.letter("video", "{}").await?.id();
    let (fleet, worker) = (stack.worker_administrator()?, stack.worker().await?);
    let task = fleet.task(&json!({"campaign_id": fleet.campaign().await?, "type": "comment"})).await?;
    worker.lock(task).await?;
    let proxy = fleet.proxy(&json!({"host": "proxy.example.com", "port": 8080})).await?;
    let (_shop, monitor) = Monitor::of("$3").await?;
    let (watcher, watch) = (&monitor.user.id, monitor.key.sk.strip_prefix("TASK#").context("no task")?);
    let waiting = one_of_each(&stack).await?;
    let mut faults = Vec::new();
    let waiting = waiting.iter().flat_map(|job| {
        let page = |act: &str| format!("/jobs/{}/{}{act}?tenant={}", job.kind.as_str(), job.id, job.tenant);
        // A job of videos has parts, and what counts them.
        let more = u32::from(job.kind == operations::Kind::Video);
        [(page(""), 3 + 3 * more), (page("/cancel"), 2 + more)]
    });
    let pages = [
        // Who is signed in is one of each.
        (String::new(), 9),
        ("/audit".to_owned(), 9),
        ("/credentials".to_owned(), 4),
        (format!("/credentials?platform={}", pool.platform), 9),
        (format!("/credentials/{}", pool.ids[0]), 3),
        (format!("/credentials/{}/disable", pool.ids[0]), 2),
        ("/credentials/import".to_owned(), 2),
        ("/dead-letters".to_owned(), 5),
        ("/dead-letters?queue=video".to_owned(), 2),
        ("/jobs".to_owned(), 9),
        ("/jobs?kind=video&status=failed".to_owned(), 9),
        (format!("/jobs?kind=video&tenant={tenant}&status=running"), 5),
        (format!("/jobs/video/{job}?tenant={tenant}"), 6),
        (format!("/jobs/video/{job}/log?tenant={tenant}&after=0"), 2),
        (format!("/jobs/video/{job}/cancel?tenant={tenant}"), 3),
        (format!("/jobs/find?id={job}"), 4),
        (format!("/jobs/find?id={task}"), 2),
        (format!("/credentials/{held}/release"), 2),
        (format!("/dead-letters/{letter}"), 2),
        (format!("/dead-letters/{letter}/purge"), 2),
        ("/dead-letters/purge?queue=video".to_owned(), 2),
        (format!("/proxies/{proxy}/disable"), 2),
        (format!("/worker-tasks/{task}"), 2),
        (format!("/worker-tasks/{task}/cancel"), 2),
        (format!("/worker-tasks/{task}/release"), 2),
        (format!("/schedules/monitor/{watch}?tenant={watcher}"), 2),
        (format!("/jobs/extract/{watch}?tenant={watcher}"), 3),
        (format!("/usage?kind=extract&tenant={watcher}"), 3),
        ("/proxies".to_owned(), 3),
        ("/worker-tasks".to_owned(), 3),
        ("/worker-tasks?status=open&campaign=1&type=comment".to_owned(), 7),
        ("/worker-tasks?status=failed&type=comment".to_owned(), 7),
        ("/schedules".to_owned(), 3),
        ("/schedules?kind=monitor".to_owned(), 4),
        (format!("/schedules/video/{schedule}?tenant={tenant}"), 2),
        (format!("/usage?kind=video&tenant={tenant}"), 3),
        ("/sign-in".to_owned(), 0),
    ];
    for (path, requests) in pages.into_iter().chain(waiting) {
        ensure!(requests <= 10, "{path}");
        let bound = if path == "/sign-in" { Cost::NOTHING } else { page(requests) };
        // What is found is led to.
        let status = if path.starts_with("/jobs/find") { 303 } else { 200 };
        let ask = async || cost_of(&stack, "console", console.request(Method::GET, &path), status).await;
        let costs = measured(&bound, ask).await.with_context(|| path.clone())?;
        faults.extend(over(&path, &costs, &bound, &COLD)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
