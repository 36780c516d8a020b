//! Scrapers that are killed when part of a task's rows is stored already.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use axum::response::Html;
use axum::routing::get;
use drover_tests::held::HeldPage;
use drover_tests::process::kill_holder_of;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of, key_of};
use jobs::Status;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Ends, PAGE, assert_account, assert_at_rest, config_of, user};

/// Rows of one page that are more than a worker keeps in memory, and make a result of more than one part; and their length.
const ROWS: usize = 100;
const LENGTH: usize = 60_000;

/// A large page that counts its visits.
fn large(visits: &Arc<AtomicUsize>) -> axum::routing::MethodRouter {
    let visits = Arc::clone(visits);
    get(async move || {
        visits.fetch_add(1, Ordering::Relaxed);
        let rows = (0..ROWS).map(|row| format!("<p class=t>{row} {}</p>", "x".repeat(LENGTH)));
        Html(rows.collect::<String>())
    })
}

#[tokio::test]
async fn what_was_stored_in_parts_is_neither_fetched_again_nor_lost_nor_doubled() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held, visits) = (user(&stack).await?, HeldPage::default(), Arc::new(AtomicUsize::new(0)));
    let site = Site::serve(held.alone(PAGE).route("/large", large(&visits))).await?;
    let task = user.create_task(config_of([site.url("/large"), site.url("/held")])).await?;
    let key = key_of(&user, &task)?;
    let scraper = held.visitor(1).await?;
    eventually("the large page is in a part", async || {
        let stored = stack.stored_task(&key).await?.context("no task")?;
        Ok(stored.job.checkpoint)
    })
    .await?;
    kill_holder_of(scraper, site.address)?;
    held.let_go();

    let ended = stack.ended_by_recovery(&key).await?;
    assert_at_rest(&ended)?;
    ensure!((ended.job.status, ended.job.units_used) == (Status::Completed, 2), "{ended:?}");
    ensure!(visits.load(Ordering::Relaxed) == 1, "what is in a part is fetched once");
    let rows: Json = user.download(&task).await?.json().await?;
    let titles: Vec<_> = rows.as_array().context("no rows")?.iter().filter_map(|row| row["title"].as_str()).collect();
    ensure!(titles.len() == ROWS + 1 && titles[ROWS] == "One", "{} rows", titles.len());
    for (row, title) in titles[..ROWS].iter().enumerate() {
        ensure!(title.starts_with(&format!("{row} x")), "row {row} is out of its place");
    }
    let files = stack.result_files(&user, ended.id).await?;
    ensure!(files == [ended.job.result_key.clone().unwrap_or_default()], "left over: {files:?}");
    assert_account(&stack, &user, 2, Ends { completed: 1, ..Ends::default() }).await
}

#[tokio::test]
async fn the_parts_of_a_cancelled_task_are_deleted_by_its_worker_or_with_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held, visits) = (user(&stack).await?, HeldPage::default(), Arc::new(AtomicUsize::new(0)));
    let site = Site::serve(held.alone(PAGE).route("/large", large(&visits))).await?;
    let task = user.create_task(config_of([site.url("/large"), site.url("/held")])).await?;
    let key = key_of(&user, &task)?;
    held.visitor(1).await?;
    eventually("the large page is in a part", async || {
        let stored = stack.stored_task(&key).await?.context("no task")?;
        Ok(stored.job.checkpoint)
    })
    .await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    ensure!(user.call(Method::DELETE, &path).await?.json()?["status"] == "cancelled");
    let id = stack.stored_task(&key).await?.context("no task")?.id;
    eventually("the worker stops, and its parts are gone", async || {
        Ok(stack.result_files(&user, id).await?.is_empty().then_some(()))
    })
    .await?;
    held.let_go();
    assert_account(&stack, &user, 1, Ends { cancelled: 1, ..Ends::default() }).await?;
    ensure!(
        user.call(Method::DELETE, &path).await?.json()?
            == json!({"message": "Task deleted successfully", "status": "deleted"})
    );
    Ok(())
}
