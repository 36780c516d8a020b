//! What a webhook is told when a task ends.

use drover_tests::receiver::{Received, Receiver};
use drover_tests::site::Site;
use drover_tests::{Stack, id_of};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

use super::{is_verified, quiet_task, secret_of};

#[tokio::test]
async fn the_end_of_a_task_is_told_signed_and_recorded() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let site = Site::of([("/", "<h1>Title</h1>".to_owned())]).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"title": "h1"}})).await?;
    let received = server.after(1).await?.remove(0);
    let task = user.get(&format!("/tasks/{}", id_of(&task)?)).await?;

    assert_eq!((received.method.as_str(), received.header("content-type")), ("POST", "application/json"));
    assert!(received.header("user-agent").starts_with("Drover/"), "{received:?}");
    let told = received.json()?;
    assert_eq!((&told["type"], &told["timestamp"]), (&json!("task.completed"), &task["completed_at"]));
    let fields = told["data"].as_object().into_iter().flatten();
    let names: Vec<_> = fields.clone().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "id",
        "name",
        "task_type",
        "status",
        "compute_units_consumed",
        "result_url",
        "error_message",
        "created_at",
        "started_at",
        "completed_at",
        "user_id",
    ];
    assert_eq!(names, expected);
    for (name, value) in fields {
        assert_eq!(*value, task[name], "{name}");
    }

    let secret = secret_of(&webhook)?;
    let timestamp: u64 = received.header("webhook-timestamp").parse()?;
    assert!(Clock::system().now().epoch_seconds().abs_diff(timestamp) < 60);
    assert!(is_verified(&received, secret).await?, "{received:?}");
    let altered = Received { body: received.body.replace("completed", "failed"), ..received.clone() };
    assert!(!is_verified(&altered, secret).await?, "what was altered is verified");
    assert!(!is_verified(&received, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").await?, "any secret verifies it");

    let attempts = stack.attempts_after(&user, &webhook, 1).await?;
    let attempt = &attempts[0];
    let expected = json!({
        "delivery_id": received.id(),
        "event": "task.completed",
        "task_id": task["id"],
        "attempt": 1,
        "status": "succeeded",
        "response_status": 200,
        "response_body": null,
        "error": null,
        "duration_ms": attempt["duration_ms"],
        "attempted_at": attempt["attempted_at"],
        "next_attempt_at": null,
    });
    assert_eq!(attempts, [expected]);
    assert!(attempt["duration_ms"].is_u64(), "{attempt}");
    Ok(())
}

#[tokio::test]
async fn each_kind_of_end_is_its_event() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let (quiet, failed) = quiet_task(&stack, &user).await?;
    let (_, cancelled) = quiet_task(&stack, &user).await?;
    quiet.fail(&failed).await?;
    user.call(Method::DELETE, &format!("/tasks/{}", cancelled.id)).await?.success(200)?;
    let mut told: Vec<Json> = server.after(2).await?.iter().map(Received::json).collect::<Result<_, _>>()?;
    told.sort_by_key(|event| event["type"].to_string());
    let shown: Vec<_> =
        told.iter().map(|event| json!([event["type"], event["data"]["id"], event["data"]["error_message"]])).collect();
    let expected =
        [json!(["task.cancelled", cancelled.id, null]), json!(["task.failed", failed.id, "as the test wants it"])];
    assert_eq!(shown, expected);

    // A task that is deleted after its end is told no more; neither is one to a webhook that is gone.
    user.call(Method::DELETE, &format!("/tasks/{}", failed.id)).await?.success(200)?;
    user.call(Method::DELETE, &format!("/webhooks/{}", id_of(&webhook)?)).await?.success(200)?;
    let (quiet, late) = quiet_task(&stack, &user).await?;
    let control = Receiver::start(&[]).await?;
    user.webhook(&control).await?;
    quiet.complete(&late).await?;
    control.after(1).await?;
    assert_eq!(server.received().len(), 2);
    Ok(())
}

#[tokio::test]
async fn every_webhook_of_a_user_is_told_with_an_id_of_its_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, first, second) = (stack.user().await?, Receiver::start(&[]).await?, Receiver::start(&[]).await?);
    let (a, b) = (user.webhook(&first).await?, user.webhook(&second).await?);
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let (to_first, to_second) = (first.after(1).await?.remove(0), second.after(1).await?.remove(0));
    assert_eq!(to_first.body, to_second.body);
    assert_ne!(to_first.id(), to_second.id());
    assert!(is_verified(&to_first, secret_of(&a)?).await? && is_verified(&to_second, secret_of(&b)?).await?);
    assert!(!is_verified(&to_first, secret_of(&b)?).await?, "two webhooks have one secret");
    Ok(())
}
