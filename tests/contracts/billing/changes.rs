//! `PUT /billing/subscription`, `…/cancel`, `…/resume`: asked of Lemon Squeezy, and done when it says so.

use drover_tests::store::{Happening, VARIANTS};
use extract::Plan;
use reqwest::Method;
use serde_json::json;

use super::Shop;

#[tokio::test]
async fn another_plan_is_had_once_lemon_squeezy_has_told_of_it() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let change = json!({"plan_id": "enterprise"});
    let told = buyer.user.send(Method::PUT, "/billing/subscription", &change).await?.success(200)?;
    assert_eq!(told["subscription"]["plan_id"], "enterprise");
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Professional, 10_000));
    let asked = shop.store.asked(buyer.subscription).await?;
    assert!(
        asked.len() == 1
            && asked[0].contains(&VARIANTS[1].to_string())
            && asked[0].contains("\"invoice_immediately\":true"),
        "{asked:?}"
    );
    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::Nothing).await?).await?;
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Enterprise, 100_000));

    let change = json!({"plan_id": "professional"});
    buyer.user.send(Method::PUT, "/billing/subscription", &change).await?.success(200)?;
    let asked = shop.store.asked(buyer.subscription).await?;
    assert!(asked[1].contains("\"invoice_immediately\":false"), "a smaller plan is set off: {asked:?}");
    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::Nothing).await?).await?;
    assert_eq!(shop.plan_of(&buyer.user).await?, (Plan::Professional, 10_000));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_subscription_lasts_to_the_end_of_its_period_and_can_be_taken_up_again() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let told = buyer.user.call(Method::POST, "/billing/subscription/cancel").await?.success(200)?;
    assert_eq!(
        (&told["subscription"]["status"], &told["subscription"]["cancel_at_period_end"]),
        (&json!("cancelled"), &json!(true))
    );
    // What Lemon Squeezy has told is behind: it is asked all the same.
    let told = buyer.user.call(Method::POST, "/billing/subscription/resume").await?.success(200)?;
    assert_eq!(told["subscription"]["status"], "active");
    buyer.user.call(Method::POST, "/billing/subscription/cancel").await?.success(200)?;
    shop.store.tell(&shop.store.happen(buyer.subscription, Happening::Nothing).await?).await?;

    let account = shop.account(&buyer.user).await?;
    assert_eq!((account.period.plan, account.period.next_plan), (Plan::Professional, Some(Plan::Free)));
    let after = account.clone().as_of(account.period.period_end);
    assert_eq!((after.period.plan, after.account.units_available), (Plan::Free, 1_000));
    let change = json!({"plan_id": "enterprise"});
    let refused = buyer.user.send(Method::PUT, "/billing/subscription", &change).await?;
    assert_eq!(refused.invalid_fields()?, ["plan_id"], "one that ends is resumed first");
    Ok(())
}

#[tokio::test]
async fn who_has_no_subscription_has_none_to_change() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let user = shop.user().await?;
    user.call(Method::POST, "/billing/subscription/cancel").await?.error(404, "resource_not_found")?;
    user.call(Method::POST, "/billing/subscription/resume").await?.error(404, "resource_not_found")?;
    user.call(Method::POST, "/billing/portal").await?.error(404, "resource_not_found")?;
    let change = json!({"plan_id": "enterprise"});
    user.send(Method::PUT, "/billing/subscription", &change).await?.error(404, "resource_not_found")?;
    assert_eq!(user.get("/billing/invoices").await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_portal_is_lemon_squeezys_and_fresh_each_time() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let portal = async || buyer.user.call(Method::POST, "/billing/portal").await?.success(200);
    let (first, second) = (portal().await?, portal().await?);
    assert!(
        first["portal_url"].as_str().is_some_and(|url| url.starts_with("https://stand-in.lemonsqueezy.com/billing?")),
        "{first}"
    );
    assert_ne!(first, second);
    Ok(())
}
