//! A task of a thousand pages in batches, a third of whose workers are killed at it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use drover_tests::handbook::Handbook;
use drover_tests::process::kill_holder_of;
use drover_tests::site::Site;
use drover_tests::watchdog::Watchdog;
use drover_tests::{CROWD, Stack, User, eventually, key_of};
use extract::Task;
use jobs::{Status, ledger};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Condition, Query};
use tokio::time::{Instant, sleep};

/// How many pages the task has, and how many of the manual there are: each is asked for several times, by different addresses.
const PAGES: usize = 1_000;
const FILES: usize = 100;
const BATCH: usize = 10;
const AT_ONCE: usize = 20;
/// How many workers are killed: each batch is one's work, and so is putting them together.
const KILLED: usize = PAGES / BATCH / 3;
/// How long a page of the site takes to come.
const LATENCY: Duration = Duration::from_millis(500);
/// Every which visitor is killed, until so many are: the last of them well before the end, whose batches are then not what the task waits for.
const EVERY: usize = 24;
/// What its owner has been granted.
const GRANTED: i64 = 10_000;

/// A site that takes its time, and has some of its visitors killed while they wait.
#[derive(Clone, Default)]
struct Deadly {
    address: Arc<OnceLock<SocketAddr>>,
    visits: Arc<AtomicUsize>,
    kills: bool,
    killed: Arc<Mutex<Vec<u32>>>,
}

impl Deadly {
    async fn visit(
        State(site): State<Self>,
        ConnectInfo(peer): ConnectInfo<SocketAddr>,
        page: Request,
        next: Next,
    ) -> Response {
        let visit = site.visits.fetch_add(1, Ordering::Relaxed);
        sleep(LATENCY).await;
        if let Some(address) = site.address.get().filter(|_| site.kills)
            && visit % EVERY == EVERY / 2
        {
            let mut killed = site.killed.lock().unwrap_or_else(PoisonError::into_inner);
            if killed.len() < KILLED
                && let Ok(worker) = kill_holder_of(peer, *address)
            {
                killed.push(worker);
            }
        }
        next.run(page).await
    }

    /// Does the task with this site, and gives how long it took.
    async fn scraped(self, stack: &Stack, user: &User) -> anyhow::Result<(Duration, Task)> {
        let manual = Handbook::open(FILES)?;
        let site = Site::serve(manual.pages().layer(from_fn_with_state(self.clone(), Self::visit))).await?;
        let _ = self.address.set(site.address);
        let page = |page: usize| site.url(&format!("/{}?visit={}", manual.files[page % FILES], page / FILES));
        let urls: Vec<_> = (0..PAGES).map(page).collect();
        let config = json!({
            "urls": urls, "selectors": {"title": "head > title"}, "include_metadata": true,
            "batch_size": BATCH, "parallel_requests": AT_ONCE,
        });
        let body = json!({"name": "The manual", "task_type": "bulk_scraping", "config": config});
        let begun = Instant::now();
        let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
        let (key, mut watchdog) = (key_of(user, &task)?, Watchdog::default());
        let ended = loop {
            stack.run_recovery().await?;
            let task = stack.stored_task(&key).await?.context("the task is gone")?;
            if task.job.status.is_final() {
                break task;
            }
            watchdog.see(task.job.progress)?;
            sleep(Duration::from_secs(1)).await;
        };
        let took = begun.elapsed();
        assert_whole(stack, user, &task, &ended, &urls).await?;
        Ok((took, ended))
    }
}

/// Every page has its one row, in its place, and was charged once; nothing else is left.
async fn assert_whole(stack: &Stack, user: &User, task: &Json, ended: &Task, urls: &[String]) -> anyhow::Result<()> {
    ensure!((ended.job.status, ended.job.units_used) == (Status::Completed, PAGES as u64), "{:?}", ended.job);
    ensure!(ended.job.error_message.is_none(), "{:?}", ended.job);
    let rows: Json = user.download(task).await?.json().await?;
    let found: Vec<_> = rows.as_array().context("no rows")?.iter().filter_map(|row| row["_url"].as_str()).collect();
    ensure!(found == urls, "{} rows, or not in their order", found.len());
    ensure!(rows[0]["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", rows[0]);
    let join = ended.job.children.clone().context("no batches")?;
    eventually("nothing is left of the batches", async || {
        let batches = Query::new(Condition::equal("pk", join.pk.as_str())).consistent();
        let batches = stack.table("extract").query_items(batches).await?.items;
        let files = stack.result_files(user, ended.id).await?;
        // What a worker had stored that died before it said so goes with the task.
        let orphans = files.len().saturating_sub(1);
        Ok((batches.is_empty() && orphans <= KILLED).then_some(()))
    })
    .await
}

#[tokio::test]
#[ignore = "takes minutes, and its times want the stack for themselves"]
async fn a_thousand_pages_come_whole_though_a_third_of_their_workers_is_killed() -> anyhow::Result<()> {
    let _crowd = CROWD.lock().await;
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let (undisturbed, _) = Deadly::default().scraped(&stack, &user).await?;
    let deadly = Deadly { kills: true, ..Deadly::default() };
    let (disturbed, _) = deadly.clone().scraped(&stack, &user).await?;

    let killed = deadly.killed.lock().unwrap_or_else(PoisonError::into_inner).len();
    let ratio = disturbed.as_secs_f64() / undisturbed.as_secs_f64();
    println!(
        "{PAGES} pages in {undisturbed:.1?}; with {killed} workers killed in {disturbed:.1?}: {ratio:.2} times as long"
    );
    ensure!(killed == KILLED, "only {killed} workers were killed");
    let account = stack.account(&user).await?;
    let charged = i64::try_from(2 * PAGES)?;
    let told = (account.units_available, account.units_reserved, account.units_used, account.jobs_completed);
    ensure!(told == (GRANTED - charged, 0, charged, 2), "not exact: {account:?}");
    ensure!(account.slots.slots_free == account.slots.slots, "slots are missing: {account:?}");
    ledger::check(&stack.accounts().ledger(&user.id).await?, &account).context("the ledger does not add up")?;
    Ok(())
}
