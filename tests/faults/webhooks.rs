//! Webhooks of many ends at once, while their senders are killed and their endpoints fail: the history of what was sent, received and recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::quiet::QuietTasks;
use drover_tests::receiver::{Received, Receiver, Step};
use drover_tests::{CROWD, Stack, User, eventually};
use extract::TaskType;
use futures::future::try_join_all;
use table::Clock;
use webhooks::{Attempt, Delivery, DeliveryStatus};

use super::kill_each;

/// How many tasks end at once.
const ENDS: usize = 40;
/// Of how many requests one costs its sender its life.
const DEADLY: usize = 12;
/// Longer than an attempt of a sender that lives: what was held so long is held by a dead one.
const LIFE: Duration = Duration::from_secs(20);
/// As in shared/webhooks.
const LEASE: Duration = Duration::from_mins(1);

/// Who sent a request.
fn sender(server: &Receiver, visit: usize) -> Option<SocketAddr> {
    server.received().get(visit).map(|received| received.peer)
}

/// Waits until every delivery has ended; what the dead hold is let go, which their leases would do later.
async fn all_ended(stack: &Stack, user: &User, count: usize) -> anyhow::Result<Vec<Delivery>> {
    eventually("every delivery has ended", async || {
        let deliveries = stack.deliveries(user).await?;
        let ended = deliveries.iter().filter(|delivery| delivery.ended_at.is_some()).count();
        let now = Clock::system().now();
        for delivery in &deliveries {
            let end = delivery.lease.claimable_at.filter(|_| delivery.lease.lease_owner.is_some());
            if end.is_some_and(|end| now.after(LEASE) > end.after(LIFE)) {
                stack.set_delivery_due(&delivery.key).await?;
            }
        }
        stack.run_recovery().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok((ended == count).then_some(deliveries))
    })
    .await
}

/// What was sent under one id, and what is recorded of it.
fn check(delivery: &Delivery, received: &[&Received], attempts: &[&Attempt]) -> anyhow::Result<()> {
    ensure!(delivery.status == DeliveryStatus::Delivered, "not delivered");
    ensure!(received.iter().all(|request| request.body == delivery.body), "another body");
    ensure!(received.iter().any(|request| request.answered == Some(204)), "never taken");
    let numbers: BTreeSet<_> = attempts.iter().map(|attempt| attempt.number).collect();
    ensure!(numbers.len() == attempts.len(), "two records of one attempt");
    ensure!(numbers.last().is_some_and(|last| *last == delivery.attempts), "the last attempt is not recorded");
    // Twice, where a sender was killed between the record and the end.
    ensure!(attempts.iter().any(|attempt| attempt.error.is_none()), "no success is recorded");
    for status in [204, 503] {
        let recorded = attempts.iter().filter(|attempt| attempt.response_status == Some(status)).count();
        let answered = received.iter().filter(|request| request.answered == Some(status)).count();
        ensure!(recorded <= answered, "{recorded} records of {answered} answers of {status}");
    }
    // Whoever was killed has left a request without a record, and nobody else has.
    ensure!(received.len() as u64 <= delivery.attempts, "more requests than attempts");
    Ok(())
}

#[tokio::test]
async fn every_end_arrives_while_senders_are_killed_and_endpoints_fail() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _alone = CROWD.lock().await;
    let user = super::user(&stack).await?;
    let servers = [Receiver::start(&[Step::Flaky]).await?, Receiver::start(&[Step::Flaky]).await?];
    let webhooks = try_join_all(servers.iter().map(|server| user.webhook(server))).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let tasks = try_join_all((0..ENDS).map(|_| quiet.pending(&user, "One of many", TaskType::SimpleScraping))).await?;

    let killed = AtomicUsize::new(0);
    let work = async {
        for task in &tasks {
            quiet.complete(task).await?;
        }
        all_ended(&stack, &user, ENDS * servers.len()).await
    };
    let deliveries = tokio::select! {
        deliveries = work => deliveries?,
        never = kill_each(DEADLY, |visit| sender(&servers[0], visit), servers[0].site.address, &killed) => match never {},
        never = kill_each(DEADLY, |visit| sender(&servers[1], visit), servers[1].site.address, &killed) => match never {},
    };
    let killed = killed.into_inner();
    ensure!(killed >= 3, "only {killed} senders were killed");

    let mut received: BTreeMap<String, Vec<&Received>> = BTreeMap::new();
    let all: Vec<_> = servers.iter().flat_map(Receiver::received).collect();
    for request in &all {
        received.entry(request.id().to_owned()).or_default().push(request);
    }
    let mut attempts: BTreeMap<String, Vec<&Attempt>> = BTreeMap::new();
    let recorded = try_join_all(webhooks.iter().map(|webhook| stack.stored_attempts(&user, webhook))).await?.concat();
    for attempt in &recorded {
        attempts.entry(attempt.delivery_id.clone()).or_default().push(attempt);
    }
    ensure!(received.len() == deliveries.len(), "{} ids, {} deliveries", received.len(), deliveries.len());
    for delivery in &deliveries {
        let (none, nothing) = (Vec::new(), Vec::new());
        let sent = received.get(&delivery.id).unwrap_or(&none);
        let told = attempts.get(&delivery.id).unwrap_or(&nothing);
        check(delivery, sent, told).with_context(|| format!("{delivery:#?}\n{told:#?}"))?;
    }
    println!("{} requests, {} records, {killed} senders killed", all.len(), recorded.len());
    Ok(())
}
