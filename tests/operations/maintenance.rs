//! `droverctl maintenance`, and the same in `recovery`. Other tests' jobs fail meanwhile: what is cleaned here failed a month ago, by its own account.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::site::Site;
use drover_tests::video::order;
use drover_tests::{Stack, User, eventually};
use extract::Task;
use jobs::{Account, Cancelled, DeadLetters, Policy, Status};
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Millis, Update};
use tokio::sync::Mutex;

use super::{days_ago, unannounced};

/// For how many days the suites' deployment keeps what failed (`FailedJobDays`).
const KEPT: u64 = 3_000;
/// So many days ago something fails here that is cleaned away by hand: nobody else's job failed so long ago, by no suite's clock.
const LONG: u64 = 2_500;
/// A hundred days less, in minutes.
const AGE: &str = "3456000";

/// A task that failed at a moment.
async fn failed(stack: &Stack, user: &User, at: Millis) -> anyhow::Result<Key> {
    let key = unannounced(stack, user, "https://example.com/").await?;
    let jobs = stack.jobs(Policy::with_lease(Duration::from_mins(1))).await?;
    let given_up = jobs.give_up(&key, "a test gave it up").await?;
    ensure!(given_up == Cancelled::Now { children: None }, "{given_up:?}");
    let old = Update::new().set("redeliver_at", at).set("completed_at", at);
    stack.table("extract").update(&key, old.when(Condition::equal("job_kind", "extract-failed"))).await?;
    Ok(key)
}

/// Held by each test that makes jobs which failed long ago, or cleans such away: what one makes is another's to clean.
static CLEANING: Mutex<()> = Mutex::const_new(());

fn of_kind<'a>(answer: &'a Json, kind: &str) -> anyhow::Result<&'a Json> {
    let kinds = answer["jobs"].as_array().context("no kinds")?;
    kinds.iter().find(|of| of["kind"] == kind).with_context(|| format!("nothing of {kind} in {answer}"))
}

#[tokio::test]
async fn failed_tasks_are_cleaned_away_when_they_are_old() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let user = stack.user().await?;
    let (old, young) = (failed(&stack, &user, days_ago(LONG)).await?, failed(&stack, &user, days_ago(1)).await?);
    let account = stack.account(&user).await?;

    let would = stack.operate(&["maintenance", "--clean-failed", "--age", AGE, "--dry-run"]).await?;
    ensure!(would["dry_run"] == true, "{would}");
    let tasks = of_kind(&would, "extract")?;
    ensure!(tasks["found"].as_u64() >= Some(1) && tasks["deleted"] == 0, "{would}");
    ensure!(tasks["first"].as_array().is_some_and(|first| first.contains(&json!(old.sk))), "{would}");
    ensure!(stack.stored_task(&old).await?.is_some(), "a dry run deleted it");

    let did = stack.operate(&["maintenance", "--clean-failed", "--age", AGE, "--kind", "extract"]).await?;
    ensure!(of_kind(&did, "extract")?["deleted"].as_u64() >= Some(1), "{did}");
    ensure!(of_kind(&did, "video").is_err(), "{did}");
    ensure!(stack.stored_task(&old).await?.is_none(), "it is still there");
    ensure!(stack.stored_task(&young).await?.is_some(), "a young one was deleted");
    ensure!(stack.account(&user).await? == account, "the account is another");
    let again = stack.operate(&["maintenance", "--clean-failed", "--age", AGE, "--kind", "extract"]).await?;
    ensure!(of_kind(&again, "extract")?["not_deleted"] == 0, "{again}");
    Ok(())
}

/// Whoever was interrupted is gone on with, and what was taken up again is left alone.
#[tokio::test]
async fn a_task_that_is_no_failed_one_any_more_stays() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let user = stack.user().await?;
    let (begun, again) = (failed(&stack, &user, days_ago(LONG)).await?, failed(&stack, &user, days_ago(LONG)).await?);
    let jobs = stack.jobs(Policy::with_lease(Duration::from_mins(1))).await?;
    ensure!(jobs.begin_cleaning(&begun, days_ago(LONG)).await?.is_some(), "it was not to be cleaned");
    let taken_up =
        Update::new().set("job_kind", "extract").set("status", "running").set("redeliver_at", days_ago(LONG));
    stack.table("extract").update(&again, taken_up.when(Condition::Exists("pk"))).await?;
    ensure!(jobs.begin_cleaning(&again, days_ago(LONG)).await?.is_none(), "one that runs was to be cleaned");
    stack.operate(&["maintenance", "--clean-failed", "--age", AGE]).await?;
    ensure!(stack.stored_task(&begun).await?.is_none(), "nobody went on with it");
    let task = stack.stored_task(&again).await?.context("it was deleted")?;
    stack.table("extract").delete(&task.key).await?;
    Ok(())
}

#[tokio::test]
async fn recovery_cleans_away_what_is_older_than_the_deployment_keeps() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let user = stack.user().await?;
    let (old, young) = (failed(&stack, &user, days_ago(KEPT + 1)).await?, failed(&stack, &user, days_ago(10)).await?);
    eventually("recovery has cleaned it away", async || {
        stack.run_recovery().await?;
        Ok(stack.stored_task(&old).await?.is_none().then_some(()))
    })
    .await?;
    ensure!(stack.stored_task(&young).await?.is_some(), "a young one was deleted");
    Ok(())
}

/// Round after round until it is interrupted.
#[tokio::test]
async fn a_loop_cleans_and_does_not_end() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let user = stack.user().await?;
    let old = failed(&stack, &user, days_ago(LONG)).await?;
    let looped = stack.droverctl(&["maintenance", "--loop", "--age", AGE, "--kind", "extract"]);
    let cleaned =
        eventually("a round has cleaned it away", async || Ok(stack.stored_task(&old).await?.is_none().then_some(())));
    tokio::select! {
        said = looped => anyhow::bail!("it has ended: {said:?}"),
        cleaned = cleaned => cleaned,
    }
}

#[tokio::test]
async fn failed_video_jobs_are_cleaned_away_too() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let client = stack.video_client().await?;
    let studio = stack.studio(Clock::system()).await?;
    let job = studio.jobs.create(&client.tenant, order("nobody")).await?.job;
    studio.jobs.jobs.give_up(&job.key, "a test gave it up").await?;
    let old = Update::new().set("redeliver_at", days_ago(LONG));
    stack.table("video").update(&job.key, old.when(Condition::equal("job_kind", "video-failed"))).await?;
    stack.operate(&["maintenance", "--clean-failed", "--age", AGE, "--kind", "video"]).await?;
    ensure!(studio.jobs.at(&job.key).await?.is_none(), "it is still there");
    let overview = studio.jobs.overview(&client.tenant).await?;
    ensure!(overview.account.jobs_failed == 0, "it is still counted: {overview:?}");
    Ok(())
}

#[tokio::test]
async fn a_failed_portal_job_is_cleaned_away_too() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Bwmr).await?;
    let (old, young) = (desk.jobs.create(&account).await?, desk.jobs.create(&account).await?);
    for job in [&old, &young] {
        desk.jobs.jobs.give_up(&job.key, "a test gave it up").await?;
    }
    let long_ago = Update::new().set("redeliver_at", days_ago(LONG));
    stack.table("portal").update(&old.key, long_ago.when(Condition::equal("job_kind", "portal-failed"))).await?;
    stack.operate(&["maintenance", "--clean-failed", "--age", AGE, "--kind", "portal"]).await?;
    client.call(Method::GET, &format!("/cpcb/queue/job/{}", old.id)).await?.portal_error(404)?;
    ensure!(client.get(&format!("/cpcb/queue/job/{}", young.id)).await?["status"] == "failed", "the young one");
    let counted: Option<Account> = stack.table("portal").get(&old.account).await?;
    ensure!(counted.as_ref().is_some_and(|account| account.jobs_failed == 1), "{counted:?}");
    let results = stack.results().await?;
    ensure!(desk.jobs.remove(&young.key, &results).await?, "there was none");
    ensure!(!desk.jobs.remove(&young.key, &results).await?, "it was removed twice");
    ensure!(!desk.jobs.remove(&young.account, &results).await?, "the account is no job");
    Ok(())
}

#[tokio::test]
async fn everything_is_cleared_only_if_somebody_says_so() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let key = unannounced(&stack, &user, "https://example.com/").await?;
    let said = stack.droverctl(&["maintenance", "--clear-all"]).await?;
    ensure!(!said.success && said.errors.contains("--yes"), "{said:?}");
    let would = stack.operate(&["maintenance", "--clear-all", "--dry-run"]).await?;
    ensure!(of_kind(&would, "extract")?["found"].as_u64() >= Some(1), "{would}");
    ensure!(of_kind(&would, "extract")?["deleted"] == 0, "{would}");
    ensure!(stack.stored_task(&key).await?.is_some_and(|task| task.job.status == Status::Pending), "it is gone");
    Ok(())
}

/// With nothing else going on: it would take other tests' jobs.
#[tokio::test]
#[ignore = "runs alone: it clears all jobs of the stack"]
async fn everything_is_cleared() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _cleaning = CLEANING.lock().await;
    let user = stack.user().await?;
    let (open, ended) = (
        unannounced(&stack, &user, "https://example.com/").await?,
        failed(&stack, &user, Clock::system().now()).await?,
    );
    let did = stack.operate(&["maintenance", "--clear-all", "--yes"]).await?;
    ensure!(of_kind(&did, "extract")?["deleted"].as_u64() >= Some(2), "{did}");
    for key in [&open, &ended] {
        ensure!(stack.stored_task(key).await?.is_none(), "it is still there");
    }
    let account = stack.account(&user).await?;
    ensure!((account.units_reserved, account.jobs_open) == (0, 0), "{account:?}");
    Ok(())
}

/// A task is deleted with its files, whatever its state.
#[tokio::test]
async fn a_task_that_is_removed_leaves_no_files() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::serve(axum::Router::new().route("/", axum::routing::get(async || "<p class=t>One</p>"))).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"title": ".t"}})).await?;
    let key = drover_tests::key_of(&user, &task)?;
    let task: Task = stack.ended(&key).await?;
    ensure!(!stack.result_files(&user, task.id).await?.is_empty(), "no file was made");
    let jobs = stack.jobs(Policy::with_lease(Duration::from_mins(1))).await?;
    let results = stack.results().await?;
    ensure!(extract::Tasks::new(jobs).remove(&key, &results).await?, "there was none");
    ensure!(stack.result_files(&user, task.id).await?.is_empty(), "files stay");
    user.call(Method::GET, &format!("/tasks/{}", task.id)).await?.error(404, "resource_not_found")?;
    Ok(())
}

/// A task that is taken up again while it is deleted: what it has reserved comes back, and it counts as open no more.
#[tokio::test]
async fn a_task_that_is_redriven_while_it_is_deleted_leaves_its_account_whole() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator) = (stack.user().await?, stack.almighty_user().await?);
    let key = failed(&stack, &user, Clock::system().now()).await?;
    let id = key.sk.strip_prefix("TASK#").context("no task")?.to_owned();
    let letter = stack.letter("extract", &serde_json::to_string(&key)?).await?;
    // No worker hears of it: it would end the task meanwhile.
    let unheard = stack.chaos(&Rule::new("AmazonSQS.SendMessage", &user.id, u32::MAX, Fault::not_authorized())).await?;
    let last = Rule::new("DynamoDB_20120810.DeleteItem", &id, 1, Fault::Delay { milliseconds: 4_000 });
    let slow = stack.chaos(&last).await?;
    let path = format!("/tasks/{id}");
    let delete = async { user.call(Method::DELETE, &path).await?.success(200) };
    let redrive = async {
        eventually("the files are gone, and the task is to go", async || Ok((slow.struck().await? > 0).then_some(())))
            .await?;
        let path = format!("/admin/dead-letters/{}/redrive", letter.id());
        operator.call(Method::POST, &path).await?.success(200)
    };
    let (deleted, redriven) = tokio::try_join!(delete, redrive)?;
    ensure!(redriven["outcome"] == "taken_up", "{redriven}");
    let (task, account) = (stack.stored_task(&key).await?, stack.account(&user).await?);
    ensure!(task.is_none_or(|task| task.job.status == Status::Cancelled), "{deleted}: it waits for a worker");
    ensure!((account.units_reserved, account.jobs_open) == (0, 0), "{deleted}: {account:?}");
    unheard.end().await?;
    slow.end().await?;
    DeadLetters::new(stack.table("events")).delete_one(&letter.id()).await?;
    Ok(())
}

/// As somebody would who has never seen the command.
#[tokio::test]
async fn the_help_says_what_there_is_and_what_it_costs() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for (arguments, words) in [
        (&["--help"][..], &["maintenance", "dead-letters"][..]),
        (
            &["maintenance", "--help"],
            &["--clean-failed", "--age <MINUTES>", "--clear-all", "--loop", "--dry-run", "--yes", "read unit"],
        ),
        (&["dead-letters", "--help"], &["list", "show", "redrive", "purge"]),
        (
            &["dead-letters", "redrive", "--help"],
            &["--queue", "--all", "[ID]", "extract", "portal", "video", "webhooks"],
        ),
        (&["dead-letters", "purge", "--help"], &["--yes"]),
    ] {
        let said = stack.droverctl(arguments).await?;
        ensure!(said.success, "{arguments:?}: {said:?}");
        let missing: Vec<_> = words.iter().filter(|word| !said.output.contains(**word)).collect();
        ensure!(missing.is_empty(), "{arguments:?} says nothing of {missing:?}:\n{}", said.output);
    }
    for arguments in [
        &["maintenance"][..],
        &["maintenance", "--clean-failed", "--loop"],
        &["maintenance", "--clean-failed", "--yes"],
        &["maintenance", "--clear-all", "--age", "5"],
        &["maintenance", "--clean-failed", "--age", "-1"],
        &["dead-letters", "show", "nothing"],
        &["dead-letters", "redrive"],
        &["dead-letters", "redrive", "--all", "--queue", "extract"],
        &["dead-letters", "list", "--queue", "other"],
        &["dead-letters", "purge", "--all"],
    ] {
        let said = stack.droverctl(arguments).await?;
        ensure!(!said.success && !said.errors.is_empty(), "{arguments:?}: {said:?}");
    }
    Ok(())
}
