//! `GET /billing/plans`

use drover_tests::Stack;
use drover_tests::answer::Answer;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn anybody_may_see_the_plans() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let answer = Answer::of(user.anonymous(Method::GET, "/billing/plans").send().await?).await?;
    let plans = answer.success(200)?;
    // The first two as the contract has them.
    assert_eq!(
        plans,
        json!([
            {
                "id": "free",
                "name": "Free",
                "price": 0.0,
                "currency": "USD",
                "compute_units_limit": 1000,
                "features": ["1,000 compute units/month", "Up to 2 concurrent tasks", "Basic scraping only", "Community support"],
                "tier": "free",
                "billing_interval": "monthly",
            },
            {
                "id": "professional",
                "name": "Professional",
                "price": 29.99,
                "currency": "USD",
                "compute_units_limit": 10000,
                "features": [
                    "10,000 compute units/month",
                    "Up to 5 concurrent tasks",
                    "Advanced scraping features",
                    "API access",
                    "Email support",
                ],
                "tier": "pro",
                "billing_interval": "monthly",
            },
            {
                "id": "enterprise",
                "name": "Enterprise",
                "price": 199.99,
                "currency": "USD",
                "compute_units_limit": 100_000,
                "features": [
                    "100,000 compute units/month",
                    "Up to 20 concurrent tasks",
                    "Advanced scraping features",
                    "API access",
                    "Priority support",
                ],
                "tier": "enterprise",
                "billing_interval": "monthly",
            },
        ])
    );
    Ok(())
}
