//! `POST /webhooks`.

use drover_tests::Stack;
use drover_tests::answer::is_timestamp;
use drover_tests::user::id_of;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::secret_of;

#[tokio::test]
async fn a_new_webhook_is_shown_with_its_secret_this_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let body = json!({
        "url": "https://example.com/hooks/drover?tenant=1",
        "description": "The shop's own server",
        "events": ["task.failed", "task.completed", "task.failed"],
        "colour": "unknown fields are ignored",
    });
    let webhook = user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
    let secret = secret_of(&webhook)?;
    assert!(secret.starts_with("whsec_") && secret.len() == "whsec_".len() + 44, "another form of secret");
    assert!(is_timestamp(webhook["created_at"].as_str().unwrap_or_default()), "{webhook}");
    assert!(uuid::Uuid::try_parse(id_of(&webhook)?).is_ok(), "{webhook}");
    let mut expected = json!({
        "id": webhook["id"],
        "url": "https://example.com/hooks/drover?tenant=1",
        "description": "The shop's own server",
        "events": ["task.completed", "task.failed"],
        "is_active": true,
        "disabled_reason": null,
        "disabled_at": null,
        "failing_since": null,
        "previous_secrets_sign_until": null,
        "created_at": webhook["created_at"],
        "updated_at": webhook["created_at"],
        "secret": secret,
    });
    assert_eq!(webhook, expected);

    expected.as_object_mut().map(|fields| fields.remove("secret"));
    assert_eq!(user.shown_webhook(&webhook).await?, expected);
    assert_eq!(user.get("/webhooks").await?, json!([expected]));
    let stored = format!("{:?}", stack.table("webhooks").get_item(&stack.webhook_key(&user, &webhook)?, true).await?);
    let random = secret.trim_start_matches("whsec_");
    assert!(stored.contains("sealed") && !stored.contains(random), "the secret is stored in clear");
    Ok(())
}

#[tokio::test]
async fn what_is_left_out_has_the_documented_defaults() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let webhook = user.send(Method::POST, "/webhooks", &json!({"url": "https://example.com/"})).await?.success(201)?;
    assert_eq!(webhook["events"], json!(["task.completed", "task.failed", "task.cancelled"]));
    assert_eq!((&webhook["description"], &webhook["is_active"]), (&Json::Null, &json!(true)));
    Ok(())
}

#[tokio::test]
async fn every_fault_is_told_with_its_field() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let body = json!({"url": "https://10.0.0.1/hook", "description": 5, "events": ["task.created"]});
    let mut fields = user.send(Method::POST, "/webhooks", &body).await?.invalid_fields()?;
    fields.sort();
    assert_eq!(fields, ["description", "events[0]", "url"]);
    assert_eq!(user.get("/webhooks").await?, json!([]), "nothing was registered");
    Ok(())
}

#[tokio::test]
async fn of_many_registered_at_once_ten_are() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let register = async |n: usize| {
        let body = json!({"url": format!("https://example.com/{n}")});
        user.send(Method::POST, "/webhooks", &body).await
    };
    let answers = try_join_all((0..15).map(register)).await?;
    let mut made = 0;
    for answer in answers {
        if answer.status == 201 {
            made += 1;
        } else {
            assert_eq!(answer.invalid_fields()?, ["url"]);
        }
    }
    assert_eq!(made, 10);
    let listed = user.get("/webhooks").await?;
    assert_eq!(listed.as_array().map(Vec::len), Some(10));

    // One that is deleted makes room for another; twice deleted, for no more.
    let path = format!("/webhooks/{}", id_of(&listed[0])?);
    let deleted = user.call(Method::DELETE, &path).await?.success(200)?;
    assert_eq!(deleted, json!({"message": "Webhook deleted successfully"}));
    user.call(Method::DELETE, &path).await?.error(404, "resource_not_found")?;
    assert_eq!(register(20).await?.status, 201);
    assert_eq!(register(21).await?.status, 400);
    Ok(())
}
