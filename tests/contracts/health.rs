//! `/health`.

use drover_tests::Stack;
use drover_tests::answer::{Answer, is_timestamp};
use reqwest::Method;

#[tokio::test]
async fn health_needs_no_key_and_has_the_contracts_keys() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let answer = Answer::of(user.anonymous(Method::GET, "/health").send().await?).await?;
    let health = answer.json()?;
    assert_eq!(answer.status, 200, "{health}");
    for part in ["status", "database", "redis", "celery"] {
        assert_eq!(health[part], "healthy", "{health}");
    }
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(is_timestamp(health["timestamp"].as_str().unwrap_or_default()), "{health}");
    assert_eq!(answer.number("x-ratelimit-limit")?, 100);
    Ok(())
}

#[tokio::test]
async fn health_takes_no_notice_of_a_key_that_does_not_work() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let answer = user.anonymous(Method::GET, "/health").bearer_auth("sk_live_forged").send().await?;
    assert_eq!(answer.status(), 200);
    Ok(())
}
