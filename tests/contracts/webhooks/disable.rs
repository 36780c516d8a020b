//! Webhooks that are switched off because nothing arrives: after five days of failure, or when they say that they are gone.

use std::time::Duration;

use drover_tests::chaos::{Fault, Rule};
use drover_tests::receiver::{Receiver, Step};
use drover_tests::{CROWD, Stack, User, id_of};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Millis, Update};
use webhooks::DeliveryStatus;

use super::quiet_task;

const FIVE_DAYS: Duration = Duration::from_hours(5 * 24);

/// Makes a webhook have failed for so long.
async fn fail_since(stack: &Stack, user: &User, webhook: &Json, ago: Duration) -> anyhow::Result<()> {
    let since = Millis(Clock::system().now().0 - u64::try_from(ago.as_millis())?);
    let failing = Update::new().set("failing_since", since).add("version", 1).when(Condition::Exists("pk"));
    stack.table("webhooks").update(&stack.webhook_key(user, webhook)?, failing).await?;
    Ok(())
}

#[tokio::test]
async fn after_five_days_of_failure_a_webhook_is_switched_off_and_told_no_more() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Busy(7_200)]).await?);
    let webhook = user.webhook(&server).await?;
    fail_since(&stack, &user, &webhook, FIVE_DAYS).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    stack.attempts_after(&user, &webhook, 1).await?;
    let shown = drover_tests::eventually("the webhook is switched off", async || {
        let shown = user.shown_webhook(&webhook).await?;
        Ok((shown["is_active"] == false).then_some(shown))
    })
    .await?;
    assert_eq!(shown["disabled_reason"], "Every attempt of five days has failed");
    assert!(shown["disabled_at"].is_string() && shown["failing_since"].is_string(), "{shown}");

    // What was to be tried again ends when its turn comes; what happens from now on is not for it.
    let waiting = drover_tests::eventually("the delivery is let go", async || {
        let waiting = stack.deliveries(&user).await?.remove(0);
        Ok(waiting.lease.lease_owner.is_none().then_some(waiting))
    })
    .await?;
    assert_eq!(waiting.status, DeliveryStatus::Pending);
    told_once(&stack, &user, &webhook, "Every attempt of five days has failed").await?;
    stack.make_delivery_due(&waiting.key).await?;
    let ended = stack.ended_deliveries(&user, 1).await?.remove(0);
    assert_eq!(
        (ended.status, ended.ended_because.as_deref()),
        (DeliveryStatus::Failed, Some("The webhook is switched off"))
    );
    assert_eq!(server.received().len(), 1);

    // Switched on again it begins anew.
    server.then(Step::status(200));
    let path = format!("/webhooks/{}", id_of(&webhook)?);
    let shown = user.send(Method::PUT, &path, &json!({"is_active": true})).await?.success(200)?;
    let cleared = ["disabled_reason", "disabled_at", "failing_since"].map(|field| shown[field].clone());
    assert_eq!(json!(cleared), json!([null, null, null]));
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    server.after(2).await?;
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_has_failed_for_less_or_succeeds_at_last_stays_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for (ago, step, still_failing) in
        [(Duration::from_hours(5 * 24 - 1), Step::Busy(7_200), true), (FIVE_DAYS * 2, Step::status(200), false)]
    {
        let (user, server) = (stack.user().await?, Receiver::start(&[step]).await?);
        let webhook = user.webhook(&server).await?;
        fail_since(&stack, &user, &webhook, ago).await?;
        let (quiet, task) = quiet_task(&stack, &user).await?;
        quiet.complete(&task).await?;
        stack.attempts_after(&user, &webhook, 1).await?;
        drover_tests::eventually("what the attempt said is written", async || {
            let shown = user.shown_webhook(&webhook).await?;
            assert_eq!(shown["is_active"], true, "{shown}");
            Ok((shown["failing_since"].is_string() == still_failing).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_switched_off_at_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::status(410)]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let delivery = stack.ended_deliveries(&user, 1).await?.remove(0);
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Failed, 1));
    let shown = drover_tests::eventually("the webhook is switched off", async || {
        let shown = user.shown_webhook(&webhook).await?;
        Ok((shown["is_active"] == false).then_some(shown))
    })
    .await?;
    assert_eq!(shown["disabled_reason"], "It answered with status 410: it is gone");
    told_once(&stack, &user, &webhook, "It answered with status 410: it is gone").await
}

#[tokio::test]
async fn an_owner_is_told_though_the_sender_died_or_the_mail_service_failed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // Whoever dies has others' deliveries too.
    let _alone = CROWD.lock().await;
    let unavailable = Fault::Answer { status: 503, error_type: String::new(), body: String::new() };
    // The first update about a webhook claims its delivery, the second switches it off.
    for (operation, before, fault, is_killed) in [
        ("POST ", 0, unavailable, false),
        ("DynamoDB_20120810.UpdateItem", 1, Fault::DelayAnswer { milliseconds: 4_000 }, true),
    ] {
        let (user, server) = (stack.user().await?, Receiver::start(&[Step::status(410)]).await?);
        let webhook = user.webhook(&server).await?;
        let about = if is_killed { id_of(&webhook)?.to_owned() } else { user.email().replace('@', "%40") };
        let rule = stack.chaos(&Rule::new(operation, &about, 1, fault).after(before)).await?;
        let (quiet, task) = quiet_task(&stack, &user).await?;
        quiet.complete(&task).await?;
        drover_tests::eventually("it is struck", async || Ok((rule.struck().await? == 1).then_some(()))).await?;
        if is_killed {
            rule.kill_last().await?;
        }
        // As after the minute of its lease.
        stack.make_delivery_due(&stack.deliveries(&user).await?.remove(0).key).await?;
        let delivery = stack.ended_deliveries(&user, 1).await?.remove(0);
        assert_eq!(delivery.status, DeliveryStatus::Failed, "{delivery:?}");
        assert_eq!(server.received().len(), 1, "it is gone");
        told_once(&stack, &user, &webhook, "It answered with status 410: it is gone").await?;
    }
    Ok(())
}

/// The owner has one e-mail, which says which webhook was switched off, and why.
async fn told_once(stack: &Stack, user: &User, webhook: &Json, why: &str) -> anyhow::Result<()> {
    let mails = stack.mails_to(&user.email()).await?;
    let [mail] = mails.as_slice() else { anyhow::bail!("{mails:?}") };
    assert!(mail.subject.starts_with("A webhook was switched off: http"), "{mail:?}");
    assert!(mail.text.contains(why) && mail.text.contains(id_of(webhook)?), "{mail:?}");
    Ok(())
}
