//! One tenant's endpoints do not hold up another's, nor a dead endpoint its own tenant's others: however many deliveries wait, and however their
//! endpoint fails.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::receiver::{Receiver, Step};
use drover_tests::{CROWD, Stack, User, eventually, id_of};
use serde_json::{Value as Json, json};
use table::{Clock, Key, Millis, Update};
use webhooks::{Delivery, DeliveryStatus};

use super::quiet_task;

/// How many deliveries of the one tenant wait.
const WAITING: usize = 150;
/// The same at full scale, by hand.
const VERY_MANY: usize = 10_000;
/// How many attempts of a user may be under way (shared/webhooks/src/places.rs).
const PLACES: usize = 5;
/// How many attempts at an endpoint that has failed for a while.
const FOR_FAILING: usize = 1;
/// How many messages are sent at once (the service's limit).
const BATCH: usize = 10;

/// Gives a webhook so many deliveries that wait to be made, as copies of one that an end has made, and sends their messages.
async fn flood(stack: &Stack, user: &User, webhook: &Json, count: usize) -> anyhow::Result<()> {
    let (quiet, task) = quiet_task(stack, user).await?;
    quiet.complete(&task).await?;
    let (table, endpoint) = (stack.table("webhooks"), id_of(webhook)?);
    let first = eventually("the first delivery is made", async || {
        let made = stack.deliveries(user).await?;
        Ok(made.into_iter().find(|delivery| delivery.endpoint_id.to_string() == endpoint))
    })
    .await?;
    let template: Json = table.get(&first.key).await?.context("it is gone")?;
    let now = Clock::system().now();
    let copies: Vec<_> = (0..count)
        .map(|number| {
            let id = format!("msg_{number:032x}");
            let mut copy = template.clone();
            copy["sk"] = json!(format!("DELIVERY#{endpoint}#{id}"));
            copy["id"] = json!(id);
            (copy["attempts"], copy["status"], copy["claimable_at"]) = (json!(0), json!("pending"), json!(now));
            // Not while this test lasts: here are their messages.
            copy["redeliver_at"] = json!(now.after(Duration::from_hours(1)));
            for name in ["lease_owner", "lease_nonce", "ended_at"] {
                copy.as_object_mut().map(|copy| copy.remove(name));
            }
            copy
        })
        .collect();
    table.put_many(&copies).await?;
    let url = stack.queue_url("webhooks").await?;
    for batch in copies.chunks(BATCH) {
        let mut request = stack.sqs().send_message_batch().queue_url(&url);
        for (number, copy) in batch.iter().enumerate() {
            let body = json!({"pk": copy["pk"], "sk": copy["sk"], "first": true}).to_string();
            let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(number.to_string());
            request = request.entries(entry.message_body(body).build()?);
        }
        request.send().await?;
    }
    Ok(())
}

/// How many of a user's deliveries at an endpoint are being tried now.
async fn under_way(stack: &Stack, user: &User, webhook: &Json) -> anyhow::Result<usize> {
    let now = Clock::system().now();
    let endpoint = id_of(webhook)?;
    let is_held = |delivery: &&Delivery| {
        delivery.endpoint_id.to_string() == endpoint
            && delivery.lease.lease_owner.is_some()
            && delivery.lease.claimable_at.is_some_and(|end| end > now)
    };
    Ok(stack.deliveries(user).await?.iter().filter(is_held).count())
}

/// Ends a task of a user, and waits until a receiver has been told of it; meanwhile no more than `most` attempts are under way at the webhook that hangs.
async fn told_meanwhile(
    stack: &Stack,
    user: &User,
    receiver: &Receiver,
    (owner, hanging, most): (&User, &Json, usize),
) -> anyhow::Result<()> {
    let before = receiver.received().len();
    let (quiet, task) = quiet_task(stack, user).await?;
    quiet.complete(&task).await?;
    eventually("the other webhook is told", async || {
        let busy = under_way(stack, owner, hanging).await?;
        ensure!(busy <= most, "{busy} attempts are under way at once");
        Ok((receiver.received().len() > before).then_some(()))
    })
    .await
}

/// The webhook of one tenant does with each request what `step` says, and so many wait for it; the other tenant's is told before they are.
async fn waits_for_nobody(step: Step, waiting: usize) -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _alone = CROWD.lock().await;
    let (noisy, quiet) = (stack.user().await?, stack.user().await?);
    let (hanging, well) = (Receiver::start(&[step]).await?, Receiver::start(&[]).await?);
    let webhook = noisy.webhook(&hanging).await?;
    quiet.webhook(&well).await?;
    flood(&stack, &noisy, &webhook, waiting).await?;
    told_meanwhile(&stack, &quiet, &well, (&noisy, &webhook, PLACES)).await?;
    let untried = stack.deliveries(&noisy).await?.iter().filter(|delivery| delivery.attempts == 0).count();
    println!("{untried} of {waiting} deliveries were still untried when the other tenant's had arrived");
    // So that nothing of it is left for other tests.
    noisy.call(reqwest::Method::DELETE, &format!("/webhooks/{}", id_of(&webhook)?)).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_no_other_tenants() -> anyhow::Result<()> {
    waits_for_nobody(Step::Silence, WAITING).await
}

#[tokio::test]
async fn an_endpoint_that_fails_holds_up_no_other_tenants() -> anyhow::Result<()> {
    waits_for_nobody(Step::status(500), WAITING).await
}

#[tokio::test]
#[ignore = "takes minutes on an emulator that does one request at a time: by hand"]
async fn ten_thousand_that_wait_at_an_endpoint_that_hangs_hold_up_no_other_tenants() -> anyhow::Result<()> {
    waits_for_nobody(Step::Silence, VERY_MANY).await
}

#[tokio::test]
async fn an_endpoint_that_has_failed_for_a_minute_leaves_room_for_its_tenants_others() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _alone = CROWD.lock().await;
    let user = stack.user().await?;
    let (hanging, well) = (Receiver::start(&[Step::Silence]).await?, Receiver::start(&[]).await?);
    let dead = user.webhook(&hanging).await?;
    user.webhook(&well).await?;
    let long_ago = Millis(Clock::system().now().0 - 120_000);
    let failing = Update::new().set("failing_since", long_ago);
    stack.table("webhooks").update(&stack.webhook_key(&user, &dead)?, failing).await?;
    flood(&stack, &user, &dead, PLACES * 10).await?;
    // Of the end that the others are copies of.
    well.after(1).await?;
    told_meanwhile(&stack, &user, &well, (&user, &dead, FOR_FAILING)).await?;
    user.call(reqwest::Method::DELETE, &format!("/webhooks/{}", id_of(&dead)?)).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn all_who_stand_in_line_have_their_turn_and_none_needs_to_be_found_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _alone = CROWD.lock().await;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Slow]).await?);
    let webhook = user.webhook(&server).await?;
    let count = PLACES * 12;
    flood(&stack, &user, &webhook, count).await?;
    let most = std::sync::atomic::AtomicUsize::new(0);
    let deliveries = eventually("all have arrived", async || {
        let busy = under_way(&stack, &user, &webhook).await?;
        most.fetch_max(busy, std::sync::atomic::Ordering::SeqCst);
        let deliveries = stack.deliveries(&user).await?;
        let ended = deliveries.iter().filter(|delivery| delivery.ended_at.is_some()).count();
        Ok((ended == count + 1).then_some(deliveries))
    })
    .await?;
    ensure!(most.into_inner() <= PLACES, "more than {PLACES} at once");
    for delivery in &deliveries {
        let (status, attempts, sent_again) = (delivery.status, delivery.attempts, delivery.redeliveries);
        ensure!((status, attempts, sent_again) == (DeliveryStatus::Delivered, 1, 0), "{delivery:?}");
    }
    // Nobody stands in line any more.
    let line = table::Condition::Between("sk", "LINE#".into(), "LINE#~".into());
    let line = table::Condition::All(vec![table::Condition::equal("pk", deliveries[0].key.pk.as_str()), line]);
    let line = stack.table("webhooks").query::<Key>(table::Query::new(line).consistent()).await?.items;
    ensure!(line.is_empty(), "{line:?}");
    Ok(())
}
