//! An object store that refuses results.

use anyhow::ensure;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::{Stack, id_of};
use jobs::Status;

use super::{
    ONE_FAILED, STORE, TRIES, assert_completed_once, assert_refunded, config_of, create_unannounced, site, user,
};

#[tokio::test]
async fn a_result_that_can_never_be_stored_fails_the_task_and_costs_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
    let denied = stack.chaos(&Rule::new(STORE, id_of(&task)?, u32::MAX, Fault::access_denied())).await?;
    let task = stack.ended_by_recovery(&key).await?;
    ensure!(denied.end().await? == 5, "there are five attempts, and no retry of what is denied");
    ensure!(task.job.status == Status::Failed, "{task:?}");
    let reason = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(reason == "Given up after 5 attempts: The result could not be stored", "{reason}");
    ensure!(stack.result_files(&user, task.id).await?.is_empty());
    assert_refunded(&stack, &user, &task, ONE_FAILED).await
}

#[tokio::test]
async fn a_result_that_is_refused_for_a_while_is_stored_by_a_later_attempt_of_itself() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (user(&stack).await?, site().await?);
    let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/page")])).await?;
    let refused = stack.chaos(&Rule::new(STORE, id_of(&task)?, TRIES, Fault::internal_error())).await?;
    stack.send_hint(&key).await?;
    // No recovery and no help: the attempt's own message, after its pause of up to five seconds.
    let task = stack.ended(&key).await?;
    ensure!(refused.end().await? == u64::from(TRIES), "refused too seldom");
    assert_completed_once(&stack, &user, &task, 2).await?;
    ensure!(task.job.error_message.is_none(), "the trouble is over: {task:?}");
    let log = user.log(&serde_json::json!({"id": task.id})).await?;
    ensure!(log.iter().any(|line| line.starts_with("ERROR The result could not be stored")), "{log:?}");
    Ok(())
}
