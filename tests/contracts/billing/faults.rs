//! Faults of Lemon Squeezy's: told as its own, with nothing half done and nothing told that it said.

use std::time::Duration;

use drover_tests::function::FunctionProcess;
use drover_tests::providers::{Plan as Steps, Step};
use drover_tests::store::WEBHOOKS;
use extract::Plan;
use reqwest::Method;
use serde_json::json;

use super::{Shop, wanted};

#[tokio::test]
async fn a_fault_of_lemon_squeezys_is_a_502_and_changes_nothing() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    for (step, told) in [
        (Step::Closed, "broke off"),
        (Step::Cut, "broke off"),
        (Step::Status(401), "refused the request: status 401"),
        (Step::Status(404), "does not know it"),
        (Step::Status(422), "refused the request: status 422"),
        (Step::Status(429), "try again in 7 s"),
        (Step::Status(500), "out of order: status 500"),
        (Step::Status(503), "out of order: status 503"),
        (Step::RefusedIn200, "cannot be understood"),
        (Step::Redirected, "refused the request: status 307"),
        (Step::Garbage, "cannot be understood"),
        (Step::OtherJson, "cannot be understood"),
        (Step::Empty, "cannot be understood"),
        (Step::Huge, "answered with more than"),
    ] {
        let buyer = shop.subscriber(Plan::Professional).await?;
        let before = shop.account(&buyer.user).await?;
        shop.store.plan(buyer.subscription, &Steps::new(&[step])).await?;
        for (method, path) in [
            (Method::POST, "/billing/subscription/cancel"),
            (Method::POST, "/billing/portal"),
            (Method::GET, "/billing/invoices"),
        ] {
            let message = buyer.user.call(method, path).await?.error(502, "internal_server_error")?;
            assert!(message.contains(told), "{step:?} {path}: {message}");
        }
        assert_eq!(shop.account(&buyer.user).await?, before, "{step:?}");

        let user = shop.user().await?;
        let mut body = wanted(Plan::Professional);
        body["success_url"] = json!(format!("https://app.example.com/?{}", Steps::new(&[step])));
        let answer = user.send(Method::POST, "/billing/create-checkout", &body).await?;
        let message = answer.error(502, "internal_server_error")?;
        assert!(message.contains(told), "{step:?}: {message}");
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_once_more() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    shop.store.plan(buyer.subscription, &Steps::new(&[Step::Closed, Step::Ok])).await?;
    buyer.user.call(Method::POST, "/billing/portal").await?.success(200)?;
    shop.store.plan(buyer.subscription, &Steps::new(&[Step::Status(500), Step::Ok])).await?;
    buyer.user.call(Method::POST, "/billing/portal").await?.error(502, "internal_server_error")?;
    Ok(())
}

#[tokio::test]
async fn lemon_squeezy_is_not_waited_for_for_ever_nor_called_without_a_key() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let slow = Steps::new(&[Step::Slow(u64::try_from(Duration::from_secs(20).as_millis())?)]);
    shop.store.plan(buyer.subscription, &slow).await?;
    let bearer = format!("Bearer {}", buyer.user.key);
    for (name, value, told) in [
        ("PROVIDER_TIMEOUT_SECONDS", "1", "did not answer within 1 seconds"),
        ("LEMON_SQUEEZY_SECRETS", "/drover/nowhere", "is off: the parameter /drover/nowhere/api-key is not set"),
    ] {
        let mut environment = shop.stack.environment_of("billing").await?;
        environment.insert(name.to_owned(), value.to_owned());
        let process = FunctionProcess::start("billing", &environment).await?;
        for path in ["/billing/portal", "/billing/subscription/cancel"] {
            let answer = process.request("POST", path, &[("Authorization", &bearer)], "").await?;
            let message = answer.body["message"].as_str().unwrap_or_default();
            assert!(answer.status == 502 && message.contains(told), "{path}: {} {}", answer.status, answer.body);
        }
    }
    Ok(())
}

/// Anybody may send one: so it is no fault of anybody's, and no alarm.
#[tokio::test]
async fn where_nothing_is_sold_nobody_listens_to_events() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let mut environment = shop.stack.environment_of("billing").await?;
    environment.insert("LEMON_SQUEEZY_SECRETS".to_owned(), "/drover/nowhere".to_owned());
    let process = FunctionProcess::start("billing", &environment).await?;
    for signature in ["x", &"0".repeat(64)] {
        let answer = process.request("POST", WEBHOOKS, &[("X-Signature", signature)], "{}").await?;
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!("resource_not_found")), "{}", answer.body);
    }
    Ok(())
}
