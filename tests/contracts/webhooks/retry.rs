//! Deliveries that fail are tried again, under the same id, until they succeed or their day is over. The stack of tests begins with pauses of a
//! tenth of a second.

use std::collections::BTreeSet;

use anyhow::Context;
use drover_tests::Stack;
use drover_tests::receiver::{Receiver, Step};
use serde_json::json;
use table::{Clock, Condition, Millis, Update};
use webhooks::DeliveryStatus;

use super::{is_verified, quiet_task, secret_of};

#[tokio::test]
async fn whatever_fails_is_tried_until_it_succeeds() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let elsewhere = Receiver::start(&[]).await?;
    let steps = [
        Step::status(500),
        Step::Redirect(elsewhere.url()),
        Step::Busy(1),
        Step::Answer(404, "x".repeat(5_000)),
        Step::status(201),
    ];
    let server = Receiver::start(&steps).await?;
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let received = server.after(steps.len()).await?;
    let same: BTreeSet<_> = received.iter().map(|received| (received.id(), &received.body)).collect();
    assert_eq!(same.len(), 1, "one message has one id and one body");
    let last = received.last().context("nothing received")?;
    assert!(is_verified(last, secret_of(&webhook)?).await?);

    let mut attempts = stack.attempts_after(&user, &webhook, steps.len()).await?;
    attempts.reverse();
    let shown: Vec<_> = attempts
        .iter()
        .map(|attempt| json!([attempt["attempt"], attempt["response_status"], attempt["error"]]))
        .collect();
    let expected = [
        json!([1, 500, "It answered with status 500"]),
        json!([2, 307, "It answered with status 307: redirects are not followed"]),
        json!([3, 429, "It answered with status 429"]),
        json!([4, 404, "It answered with status 404"]),
        json!([5, 201, null]),
    ];
    assert_eq!(shown, expected);
    assert_eq!(attempts[3]["response_body"], "x".repeat(1_024), "the first KiB is kept");
    assert!(attempts[..4].iter().all(|attempt| attempt["next_attempt_at"].is_string()), "{attempts:?}");
    assert!(elsewhere.received().is_empty(), "a redirect was followed");
    let delivery = stack.ended_deliveries(&user, 1).await?.remove(0);
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 5));
    assert!(user.shown_webhook(&webhook).await?["failing_since"].is_null(), "a success forgets all failures");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_may_ask_to_be_left_alone() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Busy(3_600), Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let attempts = stack.attempts_after(&user, &webhook, 1).await?;
    let moment = |field: &str| attempts[0][field].as_str().and_then(Millis::parse).unwrap_or_default();
    let pause = moment("attempted_at").until(moment("next_attempt_at")).as_secs();
    assert!((3_600..3_660).contains(&pause), "{attempts:?}");
    assert!(user.shown_webhook(&webhook).await?["failing_since"].is_string());

    // No message can wait for so long: recovery sends it, once its time has come.
    let delivery = stack.deliveries(&user).await?.remove(0);
    assert_eq!(delivery.redeliver_at, delivery.lease.claimable_at);
    stack.make_delivery_due(&delivery.key).await?;
    let received = server.after(2).await?;
    assert_eq!(received[0].id(), received[1].id());
    Ok(())
}

#[tokio::test]
async fn after_a_day_a_delivery_is_given_up() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Busy(7_200)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    stack.attempts_after(&user, &webhook, 1).await?;
    let delivery = stack.deliveries(&user).await?.remove(0);
    let day = delivery.created_at.until(delivery.give_up_at);
    assert_eq!(day.as_secs(), 24 * 3_600);

    let over = Update::new().set("give_up_at", Clock::system().now()).when(Condition::Exists("pk"));
    stack.table("webhooks").update(&delivery.key, over).await?;
    stack.make_delivery_due(&delivery.key).await?;
    let attempts = stack.attempts_after(&user, &webhook, 2).await?;
    assert_eq!((&attempts[0]["attempt"], &attempts[0]["next_attempt_at"]), (&json!(2), &json!(null)));
    let delivery = stack.ended_deliveries(&user, 1).await?.remove(0);
    assert_eq!(delivery.status, DeliveryStatus::Failed);
    assert_eq!((delivery.redeliver_at, delivery.lease.claimable_at), (None, None), "nobody will come back for it");
    assert_eq!(user.shown_webhook(&webhook).await?["is_active"], true, "one failure of a day is not five days");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_waited_for_15_seconds() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Silence, Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let attempts = stack.attempts_after(&user, &webhook, 2).await?;
    let silent = &attempts[1];
    assert_eq!(
        (&silent["error"], &silent["response_status"]),
        (&json!("It took longer than 15 seconds"), &json!(null))
    );
    assert!(silent["duration_ms"].as_u64().is_some_and(|took| took >= 15_000), "{silent}");
    assert_eq!(attempts[0]["status"], "succeeded");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_tried_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    drop(server);
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let attempts = stack.attempts_after(&user, &webhook, 2).await?;
    let first = attempts.last().context("no attempts")?;
    assert_eq!(first["error"], "It could not be reached: the connection was refused");
    Ok(())
}
