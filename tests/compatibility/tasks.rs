//! Tasks that one release creates and another works on, and that change hands in the middle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::user::json_of;
use drover_tests::{Stack, eventually, key_of};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Millis, TableError, Update};

use super::rollout::{Release, Rollout};
use crate::faults::{PAGE, assert_completed_once, config_of, user};

/// So many that each of the combinations below happens but for one run in millions.
const TASKS: usize = 64;
/// How many of them at once.
const ABREAST: usize = 8;

/// A task that is over: who created it, by the request's id, and the task's own id.
struct Done {
    request: String,
    task: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs two releases on one stack: tests/compatibility/run"]
async fn no_task_is_lost_or_done_twice_whoever_creates_and_works_on_it() -> anyhow::Result<()> {
    let rollout = Arc::new(Rollout::halfway().await?);
    let since = Clock::system().now();
    let tasks = stream::iter(0..TASKS).map(|_| done(&rollout.stack)).buffer_unordered(ABREAST);
    let tasks: Vec<Done> = tasks.try_collect().await?;

    let mut created = BTreeMap::new();
    for (release, line) in rollout.log_lines("extract-tasks", since, &["answered", "POST"]).await? {
        created.insert(text(&line["span"]["request_id"])?, release);
    }
    let mut worked: BTreeMap<String, Vec<(u64, Release)>> = BTreeMap::new();
    for (release, line) in rollout.log_lines("extract-scraper", since, &["claimed"]).await? {
        let attempt = line["attempt"].as_u64().context("no attempt")?;
        worked.entry(text(&line["task_id"])?).or_default().push((attempt, release));
    }
    let (mut pairs, mut hands) = (BTreeMap::new(), BTreeMap::new());
    for Done { request, task } in tasks {
        let creator = *created.get(&request).with_context(|| format!("nobody logged the creation of {task}"))?;
        let mut attempts = worked.remove(&task).with_context(|| format!("nobody logged the work on {task}"))?;
        attempts.sort_unstable();
        let [(1, first), .., (_, last)] = attempts[..] else {
            anyhow::bail!("{task} never changed hands: {attempts:?}")
        };
        *pairs.entry((creator, first)).or_insert(0) += 1;
        *hands.entry((first, last)).or_insert(0) += 1;
    }
    println!("created and begun by: {pairs:?}; begun and ended by: {hands:?}");
    assert_eq!((pairs.len(), hands.len()), (4, 4), "not every combination of releases was tried");
    Ok(())
}

/// Creates a task, lets its worker lose its lease in the middle, and sees it through: done once, charged once, whoever did it.
async fn done(stack: &Stack) -> anyhow::Result<Done> {
    let (user, page) = (user(stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let request = format!("rollout-{}", user.id);
    let body = json!({"name": "A task", "task_type": "simple_scraping", "config": config_of([site.url("/held")])});
    let creation = user.request(Method::POST, "/tasks").header("X-Request-Id", &request).json(&body);
    let task = json_of(creation.send().await?).await?;
    let key = key_of(&user, &task)?;
    page.visitor(1).await?;
    eventually("another worker has come", async || {
        if page.visits_so_far() >= 2 {
            return Ok(Some(()));
        }
        end_first_lease(stack, &key).await?;
        stack.send_hint(&key).await?;
        // Not to synchronise: a worker that renewed its lease in between has to lose it again.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(None)
    })
    .await?;
    page.let_go();
    let ended = stack.ended(&key).await?;
    assert_completed_once(stack, &user, &ended, ended.job.attempts).await?;
    // Often enough that both have read what either has written.
    for _ in 0..4 {
        let shown = user.get(&format!("/tasks/{}", ended.id)).await?;
        ensure!(shown["status"] == "completed" && shown["compute_units_consumed"] == 1, "{shown}");
    }
    Ok(Done { request, task: ended.id.to_string() })
}

/// Ends the lease of a job's first worker, as time would; whoever comes after keeps theirs, or a slow machine would use up all attempts.
async fn end_first_lease(stack: &Stack, key: &Key) -> anyhow::Result<()> {
    let past = Millis(Clock::system().now().0 - 1);
    let over = Update::new()
        .set("claimable_at", past)
        .when(Condition::Exists("lease_owner"))
        .when(Condition::equal("attempts", 1_u64));
    match stack.table("extract").update(key, over).await {
        // It has ended meanwhile: then somebody else has come.
        Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn text(value: &Json) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("no text")
}
