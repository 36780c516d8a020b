//! Messages that come twice, in the wrong order, too late, for nothing, or never. A message is only a hint: none of it may matter.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of, key_of};
use extract::task_key;
use futures::future::try_join_all;
use jobs::Status;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, new_id};

use super::{
    Ends, PAGE, UPDATE, assert_account, assert_at_rest, assert_completed_once, config_of, count_looks,
    create_unannounced, site, user,
};

/// How often a message is delivered that should come once.
const COPIES: usize = 20;
/// So many as any backend delivers while a page is held.
const FEW: usize = 5;

#[tokio::test]
async fn of_twenty_messages_at_once_one_is_taken() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
    let looks = count_looks(&stack, id_of(&task)?).await?;
    stack.send_hints(&key, COPIES).await?;
    stack.ended(&key).await?;
    // Every copy looks at it.
    eventually("all copies are delivered", async || Ok((looks.struck().await? >= COPIES as u64).then_some(()))).await?;
    let task = stack.stored_task(&key).await?.context("the task is gone")?;
    assert_completed_once(&stack, &user, &task, 1).await
}

#[tokio::test]
async fn copies_that_come_while_a_task_is_running_do_not_disturb_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, page) = (user(&stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let mut config = config_of([site.url("/held")]);
    // The longest: the copies are to be delivered meanwhile.
    config["timeout"] = json!(60);
    let task = user.create_task(config).await?;
    let key = key_of(&user, &task)?;
    page.visitor(1).await?;
    let looks = count_looks(&stack, id_of(&task)?).await?;
    stack.send_hints(&key, FEW).await?;
    eventually("the copies are delivered", async || Ok((looks.struck().await? >= FEW as u64).then_some(()))).await?;
    page.let_go();
    let task = stack.ended(&key).await?;
    ensure!(page.visits_so_far() == 1, "fetched {} times", page.visits_so_far());
    assert_completed_once(&stack, &user, &task, 1).await
}

#[tokio::test]
async fn the_order_of_messages_does_not_matter() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(create_unannounced(&stack, &user, config_of([site.url("/page")])).await?.1);
    }
    for key in keys.iter().rev().chain(&keys) {
        stack.send_hint(key).await?;
    }
    for key in &keys {
        let task = stack.ended(key).await?;
        assert_at_rest(&task)?;
        ensure!((task.job.status, task.job.attempts, task.job.units_used) == (Status::Completed, 1, 1), "{task:?}");
    }
    assert_account(&stack, &user, 5, Ends { completed: 5, ..Ends::default() }).await
}

#[tokio::test]
async fn a_message_that_was_never_sent_is_sent_once_by_recoveries_at_the_same_time() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
    let waiting = stack.stored_task(&key).await?.context("the task is gone")?;
    ensure!((waiting.job.status, waiting.job.attempts) == (Status::Pending, 0), "{waiting:?}");

    let sent = stack.chaos(&Rule::count("AmazonSQS.SendMessageBatch", id_of(&task)?)).await?;
    stack.make_due(&key).await?;
    try_join_all((0..4).map(|_| stack.run_recovery())).await?;
    let task = stack.ended(&key).await?;
    ensure!(sent.end().await? == 1, "sent more than once");
    assert_completed_once(&stack, &user, &task, 1).await
}

#[tokio::test]
async fn a_recovery_that_is_cut_off_leaves_the_task_to_the_next() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::throttled()] {
        let (user, site) = (user(&stack).await?, site().await?);
        let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
        let rule = stack.chaos(&Rule::new(UPDATE, id_of(&task)?, 1, fault)).await?;
        stack.make_due(&key).await?;
        stack.run_recovery().await?;
        ensure!(rule.end().await? == 1, "recovery has not looked at the task");
        // Sent or not: it is due again, or done, within the policy's minute or two.
        let task = stack.stored_task(&key).await?.context("the task is gone")?;
        let soon = Clock::system().now().after(Duration::from_mins(2));
        ensure!(task.job.status.is_final() || task.job.redeliver_at.is_some_and(|at| at <= soon), "{task:?}");
        let task = stack.ended_by_recovery(&key).await?;
        assert_completed_once(&stack, &user, &task, 1).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_message_for_a_task_that_has_ended_changes_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let task = user.create_task(config_of([site.url("/page")])).await?;
    let key = key_of(&user, &task)?;
    let before = stack.ended(&key).await?;
    let looks = count_looks(&stack, id_of(&task)?).await?;
    stack.send_hints(&key, 3).await?;
    eventually("the late messages are delivered", async || Ok((looks.struck().await? >= 3).then_some(()))).await?;
    let after = stack.stored_task(&key).await?.context("the task is gone")?;
    ensure!(after == before, "{before:?} became {after:?}");
    assert_completed_once(&stack, &user, &after, 1).await
}

#[tokio::test]
async fn a_message_for_a_task_that_is_gone_or_never_was_makes_none() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let task = user.create_task(config_of([site.url("/page")])).await?;
    let deleted = key_of(&user, &task)?;
    stack.ended(&deleted).await?;
    let answer: Json = user.request(Method::DELETE, &format!("/tasks/{}", id_of(&task)?)).send().await?.json().await?;
    ensure!(answer["status"] == "deleted", "{answer}");

    let never = task_key(&user.id, new_id(Clock::system().now()));
    for key in [deleted, never] {
        let looks = count_looks(&stack, &key.sk).await?;
        stack.send_hint(&key).await?;
        eventually("the message is delivered", async || Ok((looks.struck().await? >= 1).then_some(()))).await?;
        ensure!(stack.table("extract").get_item(&key, true).await?.is_none(), "{key:?} was made by its message");
    }
    assert_account(&stack, &user, 1, Ends { completed: 1, ..Ends::default() }).await
}

#[tokio::test]
async fn a_message_that_names_no_job_fails_and_says_so() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let since = Clock::system().now();
    for body in ["not JSON", "{}", "[1]", "{\"pk\": 1, \"sk\": 2}", "null"] {
        let queue = stack.queue_url("extract").await?;
        let sent = stack.sqs().send_message().queue_url(queue).message_body(body).send().await?;
        let id = sent.message_id.context("no id")?;
        let told = eventually(&format!("the message {body} fails"), async || {
            let lines = stack.log_lines("extract-scraper", since, &[&id]).await?;
            Ok(lines.into_iter().find(|line| line["level"] == "ERROR"))
        })
        .await?;
        let error = told["error"].as_str().unwrap_or_default();
        ensure!(error.starts_with("the message names no job"), "{told}");
        ensure!(told["span"]["message_id"] == json!(id), "{told}");
    }
    Ok(())
}
