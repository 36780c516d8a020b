//! What is doubled, lost or killed: every end is told at least once, under one id, and every attempt is recorded once.

use std::collections::BTreeSet;

use anyhow::Context;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::process::kill_holder_of;
use drover_tests::receiver::{Receiver, Step};
use drover_tests::{CROWD, Stack, User, eventually};
use extract::Task;
use futures::future::try_join_all;
use serde_json::{Value as Json, json};
use webhooks::DeliveryStatus;

use super::quiet_task;

/// What the stream of the table `extract` tells of the end of a task, so many times in one batch.
fn stream_event(task: &Task, copies: usize) -> Json {
    let text = |value: &str| json!({"S": value});
    let number = |value: u64| json!({"N": value.to_string()});
    let image = |status: &str| {
        json!({
            "pk": text(&task.key.pk), "sk": text(&task.key.sk), "id": text(&task.id.to_string()),
            "user_id": text(&task.user_id), "name": text(&task.name), "task_type": text("simple_scraping"),
            "status": text(status), "units_used": number(1), "created_at": number(task.job.created_at.0),
            "completed_at": number(task.job.created_at.0 + 1),
        })
    };
    let record = json!({
        "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_705_314_600, "SequenceNumber": "1", "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Keys": {"pk": text(&task.key.pk), "sk": text(&task.key.sk)},
            "OldImage": image("running"), "NewImage": image("completed"),
        },
    });
    json!({"Records": vec![record; copies]})
}

/// The ids that have come, and the attempts that are recorded, each once.
async fn assert_told_once(user: &User, webhook: &Json, server: &Receiver) -> anyhow::Result<()> {
    let received = server.received();
    let ids: BTreeSet<_> = received.iter().map(|received| received.id().to_owned()).collect();
    assert_eq!(ids.len(), 1, "one end has one id: {ids:?}");
    let attempts = user.attempts(webhook).await?;
    let numbers: BTreeSet<_> = attempts.iter().map(|attempt| attempt["attempt"].as_u64()).collect();
    assert_eq!(numbers.len(), attempts.len(), "an attempt is recorded twice: {attempts:?}");
    Ok(())
}

#[tokio::test]
async fn an_end_that_the_stream_tells_again_and_again_makes_one_delivery() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    let event = stream_event(&task, 5);
    try_join_all((0..4).map(|_| stack.invoke("webhook-events", &event))).await?;
    quiet.complete(&task).await?;
    server.after(1).await?;
    let ended = stack.ended_deliveries(&user, 1).await?;
    // The same once more, when all is over.
    stack.invoke("webhook-events", &event).await?;
    let deliveries = stack.deliveries(&user).await?;
    assert_eq!((deliveries.len(), deliveries[0].status), (1, DeliveryStatus::Delivered));
    assert_eq!(deliveries[0].attempts, ended[0].attempts);
    assert_eq!(server.received().len(), 1);
    assert_told_once(&user, &webhook, &server).await
}

#[tokio::test]
async fn a_delivery_whose_message_is_doubled_is_made_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Busy(7_200), Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    stack.attempts_after(&user, &webhook, 1).await?;
    let delivery = stack.deliveries(&user).await?.remove(0);
    let url = stack.queue_url("webhooks").await?;
    let body = serde_json::to_string(&delivery.key)?;
    // While it rests, a message is for nothing.
    // Each copy asks for the endpoint first.
    let looks = stack.webhook_key(&user, &webhook)?.sk;
    let looks = stack.chaos(&Rule::count("DynamoDB_20120810.GetItem", &looks)).await?;
    let copies = 10_u64;
    try_join_all((0..copies).map(|_| stack.sqs().send_message().queue_url(&url).message_body(&body).send())).await?;
    eventually("all copies are looked at", async || Ok((looks.struck().await? >= copies).then_some(()))).await?;
    assert_eq!(server.received().len(), 1, "it was to be left alone");
    stack.make_delivery_due(&delivery.key).await?;
    try_join_all((0..copies).map(|_| stack.sqs().send_message().queue_url(&url).message_body(&body).send())).await?;
    stack.ended_deliveries(&user, 1).await?;
    eventually("all copies are looked at", async || Ok((looks.struck().await? >= 2 * copies).then_some(()))).await?;
    assert_eq!(server.received().len(), 2);
    assert_told_once(&user, &webhook, &server).await
}

#[tokio::test]
async fn what_a_killed_sender_had_begun_is_made_by_another_under_the_same_id() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // Whoever dies has others' deliveries too.
    let _alone = CROWD.lock().await;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Silence, Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let begun = server.after(1).await?.remove(0);
    kill_holder_of(begun.peer, server.site.address)?;
    let held = stack.deliveries(&user).await?.remove(0);
    assert!(held.lease.lease_owner.is_some() && held.attempts == 1, "{held:?}");
    // Its lease is a minute, which no test should wait for.
    stack.make_delivery_due(&held.key).await?;
    let received = server.after(2).await?;
    assert_eq!((received[1].id(), &received[1].body), (begun.id(), &begun.body));
    let delivery = stack.ended_deliveries(&user, 1).await?.remove(0);
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 2));
    let attempts = stack.attempts_after(&user, &webhook, 1).await?;
    assert_eq!(attempts[0]["attempt"], 2, "of the first nobody knows how it went");
    assert_told_once(&user, &webhook, &server).await
}

#[tokio::test]
async fn answers_that_are_lost_on_the_way_change_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for operation in ["DynamoDB_20120810.PutItem", "DynamoDB_20120810.UpdateItem", "AmazonSQS.SendMessage"] {
        let (user, server) = (stack.user().await?, Receiver::start(&[Step::status(503), Step::status(200)]).await?);
        let webhook = user.webhook(&server).await?;
        let (quiet, task) = quiet_task(&stack, &user).await?;
        let lost = stack
            .chaos(&Rule::new(
                operation,
                &format!("DELIVERY#{}", webhook["id"].as_str().unwrap_or_default()),
                1,
                Fault::LoseAnswer,
            ))
            .await?;
        quiet.complete(&task).await?;
        let deliveries = stack.ended_deliveries(&user, 1).await.with_context(|| operation.to_owned())?;
        assert_eq!(deliveries[0].status, DeliveryStatus::Delivered, "{operation}");
        assert_eq!(lost.end().await?, 1, "{operation}: no answer was lost");
        assert_eq!(server.received().len(), 2, "{operation}");
        assert_eq!(user.attempts(&webhook).await?.len(), 2, "{operation}");
        assert_told_once(&user, &webhook, &server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_was_never_sent_is_sent_by_recovery() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    let unsent = stack.chaos(&Rule::new("AmazonSQS.SendMessage", &user.id, u32::MAX, Fault::not_authorized())).await?;
    quiet.complete(&task).await?;
    let delivery = eventually("the delivery is made", async || {
        let made = stack.deliveries(&user).await?.into_iter().next();
        Ok(if unsent.struck().await? > 0 { made } else { None })
    })
    .await?;
    unsent.end().await?;
    assert!(server.received().is_empty() && delivery.attempts == 0, "{delivery:?}");
    stack.set_delivery_due(&delivery.key).await?;
    try_join_all((0..3).map(|_| stack.run_recovery())).await?;
    stack.ended_deliveries(&user, 1).await?;
    assert_eq!(server.received().len(), 1);
    Ok(())
}
