//! `PUT /webhooks/{webhook_id}`.

use drover_tests::Stack;
use drover_tests::receiver::Receiver;
use drover_tests::user::id_of;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::quiet_task;

#[tokio::test]
async fn any_subset_of_the_fields_is_changed() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let body = json!({"url": "https://example.com/a", "description": "First"});
    let webhook = user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
    let path = format!("/webhooks/{}", id_of(&webhook)?);
    for (change, field, value) in [
        (json!({}), "url", json!("https://example.com/a")),
        (json!({"url": "https://example.com/b"}), "url", json!("https://example.com/b")),
        (json!({"description": "Second"}), "description", json!("Second")),
        (json!({"description": null}), "description", json!("Second")),
        (json!({"description": ""}), "description", Json::Null),
        (json!({"events": ["task.cancelled"]}), "events", json!(["task.cancelled"])),
        (json!({"is_active": false}), "is_active", json!(false)),
        (json!({"is_active": true}), "disabled_at", Json::Null),
    ] {
        let answer = user.send(Method::PUT, &path, &change).await?.success(200)?;
        assert_eq!(answer[field], value, "{change}");
        assert!(answer.get("secret").is_none(), "{change} shows the secret");
        assert_eq!(user.get(&path).await?, answer);
    }
    Ok(())
}

#[tokio::test]
async fn changes_at_the_same_moment_are_all_made() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let webhook = user.send(Method::POST, "/webhooks", &json!({"url": "https://example.com/a"})).await?.success(201)?;
    let path = format!("/webhooks/{}", id_of(&webhook)?);
    let changes = [
        json!({"url": "https://example.com/b"}),
        json!({"description": "Second"}),
        json!({"events": ["task.failed"]}),
        json!({"is_active": false}),
    ];
    for answer in try_join_all(changes.iter().map(|change| user.send(Method::PUT, &path, change))).await? {
        answer.success(200)?;
    }
    let shown = user.get(&path).await?;
    let fields = ["url", "description", "events", "is_active"].map(|field| shown[field].clone());
    assert_eq!(json!(fields), json!(["https://example.com/b", "Second", ["task.failed"], false]));
    Ok(())
}

#[tokio::test]
async fn what_a_webhook_does_not_want_it_is_not_told() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, wanted, other, off) =
        (stack.user().await?, Receiver::start(&[]).await?, Receiver::start(&[]).await?, Receiver::start(&[]).await?);
    user.webhook(&wanted).await?;
    for (server, change) in [(&other, json!({"events": ["task.failed"]})), (&off, json!({"is_active": false}))] {
        let webhook = user.webhook(server).await?;
        user.send(Method::PUT, &format!("/webhooks/{}", id_of(&webhook)?), &change).await?.success(200)?;
    }
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    wanted.after(1).await?;
    assert_eq!(stack.deliveries(&user).await?.len(), 1);
    assert!(other.received().is_empty() && off.received().is_empty());
    Ok(())
}
