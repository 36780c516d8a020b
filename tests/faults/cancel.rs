//! Cancellations, of running tasks and in a race with their completion.

use std::time::Duration;

use anyhow::{Context, ensure};
use axum::response::Html;
use axum::routing::get;
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, key_of};
use jobs::Status;
use reqwest::Method;
use serde_json::Value as Json;
use table::Key;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Ends, GRANTED, ONE_CANCELLED, PAGE, assert_account, assert_at_rest, config_of, user};

/// A worker records a step every two seconds; as much again is for a busy machine.
const ONE_STEP: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_cancelled_task_is_stopped_within_a_step_and_charged_for_what_was_done() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held) = (user(&stack).await?, HeldPage::default());
    let pages = held.alone(PAGE).route("/page", get(async || Html(PAGE)));
    let site = Site::serve(pages).await?;
    let task = user.create_task(config_of(["/page", "/page", "/held"].map(|page| site.url(page)))).await?;
    let key = key_of(&user, &task)?;
    held.visitor(1).await?;
    eventually("two pages are recorded", async || {
        Ok(stack.stored_task(&key).await?.filter(|task| task.job.units_used == 2))
    })
    .await?;

    let answer: Json = user
        .request(Method::DELETE, &format!("/tasks/{}", task["id"].as_str().unwrap_or_default()))
        .send()
        .await?
        .json()
        .await?;
    let cancelled = Instant::now();
    ensure!(answer["status"] == "cancelled", "{answer}");
    held.abandoned_by(1).await?;
    ensure!(cancelled.elapsed() < ONE_STEP, "the worker went on for {:?}", cancelled.elapsed());

    let task = stack.stored_task(&key).await?.context("a cancelled task is kept")?;
    assert_at_rest(&task)?;
    ensure!((task.job.status, task.job.units_used, &task.job.result_key) == (Status::Cancelled, 2, &None), "{task:?}");
    ensure!(stack.result_files(&user, task.id).await?.is_empty());
    assert_account(&stack, &user, 2, ONE_CANCELLED).await
}

/// Each user creates so many tasks: within the limit of 30 a minute.
const TASKS_EACH: usize = 8;
const USERS: usize = 6;
/// By how many milliseconds the two draw nearer at least.
const STEP: i64 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_cancellation_and_completion_exactly_one_happens() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut users = JoinSet::new();
    for _ in 0..USERS {
        let stack = stack.clone();
        users.spawn(async move { race(&stack).await });
    }
    let mut ends = Ends::default();
    while let Some(user) = users.join_next().await {
        let user = user??;
        ends = Ends { completed: ends.completed + user.completed, cancelled: ends.cancelled + user.cancelled, ..ends };
    }
    println!("{} completed first, {} were cancelled first", ends.completed, ends.cancelled);
    ensure!(ends.completed > 0 && ends.cancelled > 0, "no race: {ends:?}");
    Ok(())
}

/// One user's tasks, each deleted while it is about to complete.
async fn race(stack: &Stack) -> anyhow::Result<Ends> {
    let user = user(stack).await?;
    let (mut ends, mut charged) = (Ends::default(), 0);
    // By how many milliseconds the deletion is ahead. Who was too late begins earlier the next time, and ever earlier until it is the other
    // that was too late: so the two draw level, however slow the machine is.
    let (mut ahead, mut step) = (40_i64, STEP);
    for _ in 0..TASKS_EACH {
        let page = HeldPage::default();
        let site = Site::serve(page.alone(PAGE)).await?;
        let task = user.create_task(config_of([site.url("/held")])).await?;
        let key = key_of(&user, &task)?;
        page.visitor(1).await?;
        let pause =
            |milliseconds: i64| sleep(Duration::from_millis(milliseconds.max(0).unsigned_abs() + fastrand::u64(..5)));
        let show = async {
            pause(ahead).await;
            page.let_go();
        };
        let delete = async {
            pause(-ahead).await;
            delete(&user, &task).await
        };
        match tokio::join!(show, delete).1?.as_str() {
            "cancelled" => {
                let task = stack.stored_task(&key).await?.context("a cancelled task is kept")?;
                assert_at_rest(&task)?;
                ensure!(task.job.status == Status::Cancelled && task.job.result_key.is_none(), "{task:?}");
                ends.cancelled += 1;
                step = if step < 0 { step * 2 } else { -(step / 2).max(STEP) };
                ahead += step;
                charged += i64::try_from(task.job.units_used)?;
            }
            "deleted" => {
                assert_gone(stack, &user, &key).await?;
                ends.completed += 1;
                step = if step > 0 { step * 2 } else { (-step / 2).max(STEP) };
                ahead += step;
                charged += 1;
            }
            other => anyhow::bail!("deleted as {other}"),
        }
    }
    let account = stack.account(&user).await?;
    ensure!(account.units_available + account.units_used == GRANTED, "{account:?}");
    assert_account(stack, &user, charged, ends).await?;
    Ok(ends)
}

async fn delete(user: &User, task: &Json) -> anyhow::Result<String> {
    let path = format!("/tasks/{}", task["id"].as_str().context("no id")?);
    let answer: Json = user.request(Method::DELETE, &path).send().await?.json().await?;
    Ok(answer["status"].as_str().with_context(|| format!("{answer}"))?.to_owned())
}

async fn assert_gone(stack: &Stack, user: &User, key: &Key) -> anyhow::Result<()> {
    ensure!(stack.stored_task(key).await?.is_none(), "{key:?} is still there");
    let id = key.sk.trim_start_matches("TASK#").parse()?;
    let files = stack.result_files(user, id).await?;
    ensure!(files.is_empty(), "files are left of {key:?}: {files:?}");
    Ok(())
}
