//! `POST /webhooks/{webhook_id}/test`.

use drover_tests::receiver::{Receiver, Step};
use drover_tests::{Stack, id_of};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::json;

use super::{is_verified, secret_of};

#[tokio::test]
async fn a_test_is_sent_once_whatever_comes_of_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Answer(500, "no".to_owned())]).await?);
    let webhook = user.webhook(&server).await?;
    let path = format!("/webhooks/{}/test", id_of(&webhook)?);
    let answer = user.call(Method::POST, &path).await?.success(202)?;
    let received = server.after(1).await?.remove(0);
    let expected = json!({"message": "Test event queued", "delivery_id": received.id(), "event": "webhook.test"});
    assert_eq!(answer, expected);
    assert_eq!(received.json()?["type"], "webhook.test");
    assert_eq!(received.json()?["data"], json!({"webhook_id": webhook["id"]}));
    assert!(is_verified(&received, secret_of(&webhook)?).await?);

    let attempts = stack.attempts_after(&user, &webhook, 1).await?;
    let shown = ["attempt", "status", "response_status", "response_body", "error", "next_attempt_at"];
    assert_eq!(
        json!(shown.map(|field| attempts[0][field].clone())),
        json!([1, "failed", 500, "no", "It answered with status 500", null])
    );
    stack.ended_deliveries(&user, 1).await?;
    assert_eq!(server.received().len(), 1);
    assert!(user.shown_webhook(&webhook).await?["failing_since"].is_null(), "that a test fails says nothing");
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_can_be_tested() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::status(410), Step::status(204)]).await?);
    let webhook = user.webhook(&server).await?;
    let path = format!("/webhooks/{}", id_of(&webhook)?);
    user.send(Method::PUT, &path, &json!({"is_active": false})).await?.success(200)?;
    for status in [410, 204] {
        user.call(Method::POST, &format!("{path}/test")).await?.success(202)?;
        let attempts = stack.attempts_after(&user, &webhook, usize::from(status == 204) + 1).await?;
        assert_eq!(attempts[0]["response_status"], status);
    }
    assert_eq!(user.get(&path).await?["is_active"], false);
    Ok(())
}

#[tokio::test]
async fn nobodys_server_is_tested_more_than_ten_times_a_minute() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let path = format!("/webhooks/{}/test", id_of(&webhook)?);
    // More than two windows take.
    let answers = try_join_all((0..21).map(|_| user.call(Method::POST, &path))).await?;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    assert!((10..=20).contains(&sent), "{sent}");
    for answer in answers.iter().filter(|answer| answer.status != 202) {
        answer.error(429, "rate_limit_exceeded")?;
        assert!((1..=60).contains(&answer.number("retry-after")?), "{answer:?}");
    }
    Ok(())
}
