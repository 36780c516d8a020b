//! `GET /billing/subscription`

use drover_tests::answer::is_timestamp;
use extract::Plan;
use serde_json::{Value as Json, json};

use super::Shop;

#[tokio::test]
async fn who_has_bought_nothing_is_on_the_free_plan() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let user = shop.user().await?;
    let told = user.get("/billing/subscription").await?;
    let subscription = &told["subscription"];
    assert_eq!(
        (&subscription["id"], &subscription["plan_id"], &subscription["status"]),
        (&Json::Null, &json!("free"), &json!("active"))
    );
    assert_eq!(told["plan"]["compute_units_limit"], 1_000);
    assert_eq!(
        told["usage"],
        json!({"compute_units_used": 0, "compute_units_remaining": 1000, "compute_units_limit": 1000, "usage_percentage": 0.0})
    );
    assert_eq!(told["billing"], json!({"next_billing_date": null, "payment_method": null}));
    Ok(())
}

#[tokio::test]
async fn who_has_bought_a_plan_sees_it_as_the_contract_shows_it() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let told = buyer.user.get("/billing/subscription").await?;
    let (start, end) = (&told["subscription"]["current_period_start"], &told["subscription"]["current_period_end"]);
    for time in [start, end] {
        assert!(is_timestamp(time.as_str().unwrap_or_default()), "{told}");
    }
    assert_eq!(
        told,
        json!({
            "subscription": {
                "id": buyer.subscription.to_string(),
                "plan_id": "professional",
                "status": "active",
                "current_period_start": start,
                "current_period_end": end,
                "cancel_at_period_end": false,
            },
            "plan": {
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
            },
            "usage": {
                "compute_units_used": 0,
                "compute_units_remaining": 10000,
                "compute_units_limit": 10000,
                "usage_percentage": 0.0,
            },
            "billing": {"next_billing_date": end, "payment_method": "card_ending_4242"},
        })
    );
    Ok(())
}
