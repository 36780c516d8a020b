//! What goes wrong, made to go wrong on purpose: processes killed, answers lost, messages doubled, writes refused. After each the task
//! must have ended as it should: nothing lost, nothing done twice, nothing stuck, and the account exact.

mod bulk;
mod cancel;
mod crash;
mod dead_letters;
mod delivery;
mod hand_on;
mod join;
mod ledger;
mod parts;
mod pause;
mod portals;
mod requests;
mod storage;
mod videos;
mod webhooks;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::Permission;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use drover_tests::chaos::{Active, Fault, Rule};
use drover_tests::process::kill_holder_of;
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, key_of};
use extract::{Plan, Task};
use jobs::{Status, ledger as books};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Key;

/// How many compute units each user of these suites has been granted.
const GRANTED: i64 = 100;
/// How often an SDK client tries a call in all (shared/table/src/aws.rs): a fault that strikes so often is not mended by it.
const TRIES: u32 = 4;
/// A page with one row.
pub(crate) const PAGE: &str = "<p class=t>One</p>";

const TRANSACT: &str = "DynamoDB_20120810.TransactWriteItems";
const UPDATE: &str = "DynamoDB_20120810.UpdateItem";
const GET: &str = "DynamoDB_20120810.GetItem";
const SEND: &str = "AmazonSQS.SendMessage";
const STORE: &str = "PUT ";

/// How often each end has happened to a user's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    completed: i64,
    failed: i64,
    cancelled: i64,
}

const ONE_COMPLETED: Ends = Ends { completed: 1, failed: 0, cancelled: 0 };
const ONE_FAILED: Ends = Ends { completed: 0, failed: 1, cancelled: 0 };
const ONE_CANCELLED: Ends = Ends { completed: 0, failed: 0, cancelled: 1 };

/// A new user with [`GRANTED`] units. Rules about the user's id strike nobody else's requests.
pub(crate) async fn user(stack: &Stack) -> anyhow::Result<User> {
    stack
        .user_with(Plan::Professional, GRANTED.unsigned_abs(), &Permission::ALL.map(|(_, permission)| permission))
        .await
}

/// A site with one page, at `/page`.
async fn site() -> anyhow::Result<Site> {
    Site::serve(Router::new().route("/page", get(async || Html(PAGE)))).await
}

pub(crate) fn config_of(pages: impl IntoIterator<Item = String>) -> Json {
    json!({"urls": pages.into_iter().collect::<Vec<_>>(), "selectors": {"title": ".t"}})
}

/// Creates a task whose message the API cannot send: nobody knows of it but the table.
async fn create_unannounced(stack: &Stack, user: &User, config: Json) -> anyhow::Result<(Json, Key)> {
    create_unannounced_of("simple_scraping", stack, user, config).await
}

/// The same with a task of this type.
async fn create_unannounced_of(
    task_type: &str,
    stack: &Stack,
    user: &User,
    config: Json,
) -> anyhow::Result<(Json, Key)> {
    let refused = stack.chaos(&Rule::new(SEND, &user.id, u32::MAX, Fault::not_authorized())).await?;
    let body = json!({"name": "Task", "task_type": task_type, "config": config});
    let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
    ensure!(refused.end().await? == 1, "the message was not refused once");
    let key = key_of(user, &task)?;
    Ok((task, key))
}

/// Counts how often workers look at a task, so that a test can wait until a message has been dealt with.
async fn count_looks(stack: &Stack, about: &str) -> anyhow::Result<Active> {
    stack.chaos(&Rule::count(GET, about)).await
}

/// Kills the function that makes every `deadly`th visit to `server`, for as long as this is polled, and counts them.
async fn kill_each(
    deadly: usize,
    visitor: impl Fn(usize) -> Option<SocketAddr>,
    server: SocketAddr,
    killed: &AtomicUsize,
) -> Infallible {
    let mut seen = deadly;
    loop {
        if let Some(doomed) = visitor(seen) {
            seen += deadly;
            // It may have hung up already.
            if kill_holder_of(doomed, server).is_ok() {
                killed.fetch_add(1, Ordering::SeqCst);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The account is exact: what was granted is still there or used, nothing is set aside, every end is counted once.
async fn assert_account(stack: &Stack, user: &User, charged: i64, ends: Ends) -> anyhow::Result<()> {
    let account = stack.account(user).await?;
    let told = (account.units_available, account.units_reserved, account.units_used, account.jobs_open);
    ensure!(told == (GRANTED - charged, 0, charged, 0), "not exact: {account:?}, where {charged} were used");
    let counted =
        Ends { completed: account.jobs_completed, failed: account.jobs_failed, cancelled: account.jobs_cancelled };
    ensure!(account.slots.slots_free == account.slots.slots, "slots are missing: {account:?}");
    ensure!(counted == ends, "not exact: {account:?}, where the ends were {ends:?}");
    books::check(&stack.accounts().ledger(&user.id).await?, &account).context("the ledger does not add up")
}

/// The task has ended for good: nobody holds it, nobody will come back for it.
fn assert_at_rest(task: &Task) -> anyhow::Result<()> {
    let job = &task.job;
    ensure!(job.status.is_final() && job.completed_at.is_some(), "not ended: {job:?}");
    let held = (&job.lease.claimable_at, &job.lease.lease_owner);
    ensure!(held == (&None, &None), "not let go: {job:?}");
    // One that has failed is where it is found to be cleaned away, and nowhere else.
    let found = (job.job_kind.as_str(), job.redeliver_at);
    let expected = if job.status == Status::Failed { ("extract-failed", job.completed_at) } else { ("extract", None) };
    ensure!(found == expected, "found by {found:?}: {job:?}");
    ensure!(job.units_used <= job.units_reserved, "charged more than reserved: {job:?}");
    Ok(())
}

/// The task of one page has completed in so many attempts, with the one result, and the account is exact.
pub(crate) async fn assert_completed_once(
    stack: &Stack,
    user: &User,
    task: &Task,
    attempts: u64,
) -> anyhow::Result<()> {
    assert_at_rest(task)?;
    let job = &task.job;
    ensure!(job.status == Status::Completed, "not completed: {job:?}");
    ensure!((job.attempts, job.lease.lease_token) == (attempts, attempts), "not {attempts} attempts: {job:?}");
    ensure!((job.progress, job.units_used) == (100, 1), "{job:?}");
    let shown = json!({"id": task.id});
    let rows: Json = user.download(&shown).await?.json().await?;
    ensure!(rows == json!([{"title": "One"}]), "the result is {rows}");
    let files = stack.result_files(user, task.id).await?;
    let result = job.result_key.as_ref().context("no result")?;
    ensure!(
        files.contains(result) && files.len() as u64 <= attempts,
        "the files are {files:?}, of which {result} counts"
    );
    assert_account(stack, user, 1, ONE_COMPLETED).await
}

/// The task has ended without a result and without a charge.
async fn assert_refunded(stack: &Stack, user: &User, task: &Task, ends: Ends) -> anyhow::Result<()> {
    assert_at_rest(task)?;
    let job = &task.job;
    ensure!((job.units_used, &job.result_key) == (0, &None), "{job:?}");
    assert_account(stack, user, 0, ends).await
}

/// The log has every line that the task says it has. Lines follow their step: the last of them may come after the task's end.
async fn assert_log_complete(user: &User, task: &Task) -> anyhow::Result<()> {
    let path = format!("/tasks/{}/logs?page_size=500", task.id);
    eventually("the log is complete", async || {
        let page = user.get(&path).await?;
        let ids: BTreeSet<_> =
            page["logs"].as_array().context("no lines")?.iter().filter_map(|line| line["id"].as_str()).collect();
        Ok((ids.len() as u64 == task.job.log_lines).then_some(()))
    })
    .await
}
