//! `GET /webhooks` and whose webhooks are whose.

use drover_tests::Stack;
use drover_tests::receiver::Receiver;
use drover_tests::user::id_of;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::quiet_task;

#[tokio::test]
async fn webhooks_are_listed_the_oldest_first_and_only_ones_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, other) = (stack.user().await?, stack.user().await?);
    for path in ["a", "b", "c"] {
        let body = json!({"url": format!("https://example.com/{path}")});
        user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
    }
    let listed = user.get("/webhooks").await?;
    let urls: Vec<_> = listed.as_array().into_iter().flatten().map(|webhook| webhook["url"].clone()).collect();
    assert_eq!(urls, ["https://example.com/a", "https://example.com/b", "https://example.com/c"]);
    assert_eq!(other.get("/webhooks").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn anothers_webhook_is_not_there() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (owner, stranger, server) = (stack.user().await?, stack.user().await?, Receiver::start(&[]).await?);
    let webhook = owner.webhook(&server).await?;
    let before = stack.stored_webhook(&owner, &webhook).await?;
    let path = format!("/webhooks/{}", id_of(&webhook)?);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/test")),
        (Method::POST, format!("{path}/rotate-secret")),
        (Method::GET, format!("{path}/attempts")),
    ] {
        let answer = stranger.send(method.clone(), &path, &json!({"is_active": false})).await?;
        assert_eq!(answer.error(404, "resource_not_found")?, "Webhook not found", "{method} {path}");
    }
    assert!(stack.stored_webhook(&owner, &webhook).await? == before, "the webhook was changed");

    // Nor is it told of a stranger's tasks.
    let told = Receiver::start(&[]).await?;
    stranger.webhook(&told).await?;
    let (quiet, task) = quiet_task(&stack, &stranger).await?;
    quiet.complete(&task).await?;
    told.after(1).await?;
    assert!(server.received().is_empty() && stack.deliveries(&owner).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_no_id_is_a_404() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for id in ["00000000-0000-0000-0000-000000000000", "1", "webhook_uuid", "%20", "null"] {
        user.call(Method::GET, &format!("/webhooks/{id}")).await?.error(404, "resource_not_found")?;
        let body: Json = json!({"is_active": true});
        user.send(Method::PUT, &format!("/webhooks/{id}"), &body).await?.error(404, "resource_not_found")?;
    }
    Ok(())
}
