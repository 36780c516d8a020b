//! Messages that kept failing. They would take hours to die by themselves (five deliveries, half an hour apart): they are put on the
//! dead-letter queue here, as SQS would move them.

use anyhow::{Context, ensure};
use drover_tests::held::HeldPage;
use drover_tests::receiver::{Receiver, Step};
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, key_of};
use extract::task_key;
use jobs::{DeadLetter, Status};
use table::{Clock, Condition, Key, Millis, Query, new_id};

use super::{ONE_FAILED, PAGE, assert_completed_once, assert_refunded, config_of, create_unannounced, site, user};

/// Puts a message on the dead-letter queue of tasks, and waits for the letter that is kept of it.
async fn bury(stack: &Stack, body: &str) -> anyhow::Result<DeadLetter> {
    bury_of("extract", stack, body).await
}

/// Puts a message on a queue's dead-letter queue, and waits for the letter that is kept of it.
async fn bury_of(queue: &str, stack: &Stack, body: &str) -> anyhow::Result<DeadLetter> {
    // A minute of slack: the moment in the key is SQS's, of another clock.
    let since = Millis(Clock::system().now().0 - 60_000);
    let dead = stack.queue_url(&format!("{queue}-dead")).await?;
    let sent = stack.sqs().send_message().queue_url(dead).message_body(body).send().await?;
    let id = sent.message_id.context("no id")?;
    let recent = Condition::Between("sk", format!("{:013}", since.0).into(), "~".into());
    let letters =
        Query::new(Condition::All(vec![Condition::equal("pk", format!("DEAD#{queue}")), recent])).consistent();
    eventually(&format!("the dead letter {body} is kept"), async || {
        let page = stack.table("events").query::<DeadLetter>(letters.clone()).await?;
        Ok(page.items.into_iter().find(|letter| letter.message_id == id))
    })
    .await
}

fn body(key: &Key) -> anyhow::Result<String> {
    Ok(serde_json::to_string(key)?)
}

#[tokio::test]
async fn a_waiting_task_whose_message_died_is_failed_and_refunded() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let (_, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
    let letter = bury(&stack, &body(&key)?).await?;
    ensure!((letter.queue.as_str(), letter.verdict.as_str()) == ("extract", "its job was failed"), "{letter:?}");
    ensure!(letter.body == body(&key)?, "{letter:?}");
    let task = stack.stored_task(&key).await?.context("the task is gone")?;
    ensure!(task.job.status == Status::Failed, "{task:?}");
    let reason = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(reason.starts_with("Given up"), "{reason}");
    assert_refunded(&stack, &user, &task, ONE_FAILED).await?;

    let again = bury(&stack, &body(&key)?).await?;
    ensure!(again.verdict == "its job had ended, or was being worked on", "{again:?}");
    ensure!(stack.stored_task(&key).await?.as_ref() == Some(&task), "a second letter changed it");
    assert_refunded(&stack, &user, &task, ONE_FAILED).await
}

#[tokio::test]
async fn a_running_task_is_left_alone_by_a_dead_message() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, page) = (user(&stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let key = key_of(&user, &user.create_task(config_of([site.url("/held")])).await?)?;
    page.visitor(1).await?;
    let letter = bury(&stack, &body(&key)?).await?;
    ensure!(letter.verdict == "its job had ended, or was being worked on", "{letter:?}");
    page.let_go();
    let task = stack.ended(&key).await?;
    assert_completed_once(&stack, &user, &task, 1).await
}

#[tokio::test]
async fn letters_that_name_no_task_are_kept_too() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack).await?;
    let missing = body(&task_key(&user.id, new_id(Clock::system().now())))?;
    for (text, verdict) in
        [("not JSON", "it named no job"), ("{\"pk\": 1}", "it named no job"), (&missing, "its job is gone")]
    {
        let letter = bury(&stack, text).await?;
        ensure!((letter.body.as_str(), letter.verdict.as_str()) == (text, verdict), "{letter:?}");
    }
    Ok(())
}

/// An endpoint is promised a day: five faults of ours in a quarter of an hour do not end it.
#[tokio::test]
async fn a_delivery_whose_message_died_is_tried_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (user(&stack).await?, Receiver::start(&[Step::Busy(7_200), Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let site = site().await?;
    user.create_task(config_of([site.url("/page")])).await?;
    stack.attempts_after(&user, &webhook, 1).await?;
    let waiting = stack.deliveries(&user).await?.remove(0);
    let letter = bury_of("webhooks", &stack, &body(&waiting.key)?).await?;
    ensure!(letter.queue == "webhooks" && letter.verdict.starts_with("its delivery goes on"), "{letter:?}");
    ensure!(stack.deliveries(&user).await? == [waiting.clone()], "the letter changed it");
    let other = bury_of("webhooks", &stack, "not JSON").await?;
    ensure!(other.verdict == "it named no delivery", "{other:?}");
    stack.make_delivery_due(&waiting.key).await?;
    server.after(2).await?;
    Ok(())
}
