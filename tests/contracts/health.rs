//! `/health`.

use drover_tests::Stack;
use reqwest::Method;

#[tokio::test]
async fn health_needs_no_key_and_has_the_contracts_keys() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let response = user.anonymous(Method::GET, "/health").send().await?;
    assert_eq!(response.status(), 200);
    let health: serde_json::Value = response.json().await?;
    for part in ["status", "database", "redis", "celery"] {
        assert_eq!(health[part], "healthy", "{health}");
    }
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    Ok(())
}
