//! Scrapers that are killed in the middle of a task.

use anyhow::{Context, ensure};
use drover_tests::chaos::{Fault, Rule};
use drover_tests::held::HeldPage;
use drover_tests::process::kill_holder_of;
use drover_tests::site::Site;
use drover_tests::{Stack, eventually, id_of, key_of};
use jobs::Status;
use table::{Clock, Condition, Millis, Update};

use super::{
    ONE_FAILED, PAGE, STORE, TRANSACT, assert_completed_once, assert_refunded, config_of, create_unannounced, user,
};

#[tokio::test]
async fn a_task_whose_scraper_was_killed_is_done_by_another() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, page) = (user(&stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let key = key_of(&user, &user.create_task(config_of([site.url("/held")])).await?)?;
    kill_holder_of(page.visitor(1).await?, site.address)?;
    page.let_go();

    // It is still the dead one's, until the lease runs out; then recovery finds it, and nobody else has to.
    let left = stack.stored_task(&key).await?.expect("a task");
    ensure!((left.job.status, left.job.attempts) == (Status::Running, 1), "{left:?}");
    let due = left.job.redeliver_at.expect("a running task is due some time");
    let task = stack.ended_by_recovery(&key).await?;
    assert_completed_once(&stack, &user, &task, 2).await?;
    ensure!(page.visits_so_far() == 2, "fetched {} times", page.visits_so_far());
    ensure!(task.job.started_at == left.job.started_at, "a task starts once");
    let left_for = due.until(task.job.completed_at.unwrap_or_default());
    ensure!(left_for.as_secs() < 10, "left for {left_for:?} past its lease");
    Ok(())
}

#[tokio::test]
async fn a_task_that_kills_every_scraper_is_given_up_and_refunded() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, page) = (user(&stack).await?, HeldPage::default());
    let site = Site::serve(page.alone(PAGE)).await?;
    let key = key_of(&user, &user.create_task(config_of([site.url("/held")])).await?)?;
    for attempt in 1..=5 {
        kill_holder_of(page.visitor(attempt).await?, site.address)?;
        // Five leases are more than a test should wait for: the dead one's ends now.
        let past = Millis(Clock::system().now().0 - 1_000);
        let end = Update::new().set("claimable_at", past).set("redeliver_at", past);
        stack.table("extract").update(&key, end.when(Condition::equal("status", "running"))).await?;
        stack.run_recovery().await?;
    }
    let task = stack.ended(&key).await?;
    ensure!(task.job.status == Status::Failed, "{task:?}");
    let reason = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(reason == "Given up after 5 attempts: the worker ended without a word", "{reason}");
    ensure!(page.visits_so_far() == 5, "fetched {} times", page.visits_so_far());
    assert_refunded(&stack, &user, &task, ONE_FAILED).await
}

#[tokio::test]
async fn what_a_killed_scraper_had_sent_counts_once() -> anyhow::Result<()> {
    // The request is on its way when its sender dies, and arrives: an end is an end, and a file alone is not.
    // Its first transaction is the claim.
    for (operation, before, attempts) in [(TRANSACT, 1, 1), (STORE, 0, 2)] {
        let stack = Stack::from_environment()?;
        let (user, page) = (user(&stack).await?, HeldPage::default());
        page.let_go();
        let site = Site::serve(page.alone(PAGE)).await?;
        let (task, key) = create_unannounced(&stack, &user, config_of([site.url("/held")])).await?;
        let late = Rule::new(operation, id_of(&task)?, 1, Fault::Delay { milliseconds: 1_500 }).after(before);
        let late = stack.chaos(&late).await?;
        stack.send_hint(&key).await?;
        let scraper = page.visitor(1).await?;
        eventually("the request is on its way", async || Ok((late.struck().await? == 1).then_some(()))).await?;
        kill_holder_of(scraper, site.address)?;
        let task = stack.ended_by_recovery(&key).await?;
        assert_completed_once(&stack, &user, &task, attempts).await.with_context(|| operation.to_owned())?;
    }
    Ok(())
}
