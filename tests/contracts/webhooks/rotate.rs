//! `POST /webhooks/{webhook_id}/rotate-secret`.

use drover_tests::receiver::Receiver;
use drover_tests::{Stack, id_of};
use reqwest::Method;
use table::{Clock, Millis, Update, Value};

use super::{is_verified, quiet_task, secret_of};

#[tokio::test]
async fn old_and_new_secret_both_sign_for_a_day() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let old = user.webhook(&server).await?;
    let path = format!("/webhooks/{}/rotate-secret", id_of(&old)?);
    let new = user.call(Method::POST, &path).await?.success(200)?;
    assert_ne!(secret_of(&new)?, secret_of(&old)?);
    let until = new["previous_secrets_sign_until"].as_str().and_then(Millis::parse).unwrap_or_default();
    let left = Clock::system().now().until(until).as_secs();
    assert!((86_000..=86_400).contains(&left), "{new}");

    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let received = server.after(1).await?.remove(0);
    assert_eq!(received.header("webhook-signature").split(' ').count(), 2);
    assert!(is_verified(&received, secret_of(&old)?).await? && is_verified(&received, secret_of(&new)?).await?);

    // A day later, as the webhook's item tells it.
    let key = stack.webhook_key(&user, &old)?;
    let mut item = stack.table("webhooks").get_item(&key, true).await?.unwrap_or_default();
    let mut secrets = item.remove("secrets").and_then(|secrets| secrets.as_l().ok().cloned()).unwrap_or_default();
    for secret in &mut secrets {
        if let table::AttributeValue::M(fields) = secret
            && let Some(until) = fields.get_mut("signs_until")
        {
            *until = Value::from(Clock::system().now()).0;
        }
    }
    let passed = Update::new().set("secrets", table::AttributeValue::L(secrets)).add("version", 1);
    stack.table("webhooks").update(&key, passed).await?;
    let (quiet, task) = quiet_task(&stack, &user).await?;
    quiet.complete(&task).await?;
    let received = server.after(2).await?.remove(1);
    assert_eq!(received.header("webhook-signature").split(' ').count(), 1);
    assert!(!is_verified(&received, secret_of(&old)?).await? && is_verified(&received, secret_of(&new)?).await?);
    assert!(user.shown_webhook(&old).await?["previous_secrets_sign_until"].is_null());
    Ok(())
}

#[tokio::test]
async fn five_secrets_sign_at_most() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let path = format!("/webhooks/{}/rotate-secret", id_of(&webhook)?);
    let mut secrets = vec![secret_of(&webhook)?.to_owned()];
    for _ in 0..4 {
        secrets.push(secret_of(&user.call(Method::POST, &path).await?.success(200)?)?.to_owned());
    }
    assert_eq!(user.call(Method::POST, &path).await?.invalid_fields()?, ["secret"]);
    user.call(Method::POST, &path.replace("rotate-secret", "test")).await?.success(202)?;
    let received = server.after(1).await?.remove(0);
    for secret in &secrets {
        assert!(is_verified(&received, secret).await?);
    }
    Ok(())
}
