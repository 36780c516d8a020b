//! `POST /billing/create-checkout`

use anyhow::Context;
use extract::Plan;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::json;

use super::{Shop, wanted};

const PATH: &str = "/billing/create-checkout";

#[tokio::test]
async fn a_checkout_is_made_and_nothing_is_had_before_it_is_paid_and_told() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let user = shop.user().await?;
    let told = user.send(Method::POST, PATH, &wanted(Plan::Professional)).await?.success(200)?;
    let id = told["checkout_id"].as_str().context("no id")?;
    assert!(
        told["checkout_url"]
            .as_str()
            .is_some_and(|url| url.contains(".lemonsqueezy.com/checkout/") && url.contains(id)),
        "{told}"
    );
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(shop.plan_of(&user).await?, (Plan::Free, 1_000));
    let (_, events) = shop.store.pay(id).await?;
    assert_eq!(shop.plan_of(&user).await?, (Plan::Free, 1_000));
    shop.store.tell(&events).await?;
    assert_eq!(shop.plan_of(&user).await?, (Plan::Professional, 10_000));
    Ok(())
}

#[tokio::test]
async fn who_clicks_twice_or_at_once_pays_at_the_same_checkout() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let user = shop.user().await?;
    let ask = async || user.send(Method::POST, PATH, &wanted(Plan::Professional)).await?.success(200);
    let clicks = try_join_all((0..3).map(|_| ask())).await?;
    let again = ask().await?;
    assert!(clicks.iter().all(|told| *told == again), "{clicks:?} {again}");
    let other = user.send(Method::POST, PATH, &wanted(Plan::Enterprise)).await?.success(200)?;
    assert_ne!(other["checkout_id"], again["checkout_id"], "another plan is another checkout");
    Ok(())
}

#[tokio::test]
async fn who_has_a_subscription_changes_it_and_buys_no_second_one() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let refused = buyer.user.send(Method::POST, PATH, &wanted(Plan::Enterprise)).await?;
    assert_eq!(refused.invalid_fields()?, ["plan_id"]);
    Ok(())
}

#[tokio::test]
async fn a_buyer_is_sent_nowhere_but_over_tls() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let user = shop.user().await?;
    let wrong =
        json!({"plan_id": "free", "success_url": "http://app.example.com/", "cancel_url": "javascript:alert(1)"});
    let mut fields = user.send(Method::POST, PATH, &wrong).await?.invalid_fields()?;
    fields.sort_unstable();
    assert_eq!(fields, ["cancel_url", "plan_id", "success_url"]);
    let local = json!({"plan_id": "professional", "success_url": "http://localhost:3000/ok"});
    user.send(Method::POST, PATH, &local).await?.success(200)?;
    Ok(())
}
