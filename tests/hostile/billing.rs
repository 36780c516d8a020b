//! Hostile requests to billing: each gets the contract's error body, and nothing changes.

use anyhow::ensure;
use drover_tests::User;
use drover_tests::raw::RawRequest;
use drover_tests::store::WEBHOOKS;
use drover_tests::user::any_loopback_address;
use extract::{Plan, account_key};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value as Json, json};
use table::{Condition, Item, Query};

use super::bodies::wrong_texts;
use super::{AT_ONCE, Case, by, count};
use crate::contracts::billing::{Shop, wanted};

/// How many billing requests a user may make in a minute, one kept back.
const REQUESTS_OF_A_USER: usize = 4;

/// A request that an attacker makes: method, path, body, and the status that it gets.
type Attack = (&'static str, String, Vec<u8>, u16);

const CHECKOUT: &str = "/billing/create-checkout";
const SUBSCRIPTION: &str = "/billing/subscription";

/// Bodies of JSON that ask for nothing that there is.
fn wrong_values() -> Vec<Json> {
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    let plans = [
        json!(null),
        json!(""),
        json!("free"),
        json!("pro"),
        json!("PROFESSIONAL"),
        json!("professional "),
        json!("professional\u{0}"),
        json!("enterprise' OR '1'='1"),
        json!("x".repeat(100_000)),
        json!(1),
        json!(true),
        json!(["professional"]),
        json!({"id": "professional"}),
    ];
    let addresses = [
        json!(null),
        json!(""),
        json!(5),
        json!(["https://example.com"]),
        json!("example.com"),
        json!("//example.com"),
        json!("http://example.com"),
        json!("http://localhost.example.com"),
        json!("http://127.0.0.1@example.com/"),
        json!("http://2130706433.example.com/"),
        json!("ftp://localhost/"),
        json!("javascript:alert(1)"),
        json!("data:text/html,<script>"),
        json!("file:///etc/passwd"),
        json!("https://user:word@example.com/"),
        json!("https://exa mple.com/"),
        json!("https://example.com/\r\nLocation: https://evil.example"),
        json!("https://"),
        json!(long),
    ];
    let with = |field: &'static str| {
        move |value: Json| {
            let mut body = wanted(Plan::Professional);
            body[field] = value;
            body
        }
    };
    let cancels = addresses.iter().skip(2).cloned().map(with("cancel_url"));
    let whole = [json!(null), json!([]), json!("professional"), json!(7), json!({}), json!([wanted(Plan::Enterprise)])];
    plans
        .into_iter()
        .map(with("plan_id"))
        .chain(addresses.clone().into_iter().map(with("success_url")))
        .chain(cancels)
        .chain(whole)
        .collect()
}

fn attacks() -> Vec<Attack> {
    let mut attacks: Vec<Attack> = Vec::new();
    for body in wrong_values() {
        attacks.push(("POST", CHECKOUT.to_owned(), body.to_string().into_bytes(), 400));
    }
    for (_, body) in wrong_texts() {
        attacks.push(("POST", CHECKOUT.to_owned(), body, 400));
    }
    for plan in [json!(null), json!("free"), json!("gold"), json!(5), json!([]), json!("x".repeat(10_000))] {
        attacks.push(("PUT", SUBSCRIPTION.to_owned(), json!({"plan_id": plan}).to_string().into_bytes(), 400));
    }
    // Of nothing that they have.
    for path in ["/cancel", "/resume"] {
        attacks.push((
            "POST",
            format!("{SUBSCRIPTION}{path}"),
            b"{\"user_id\": \"1\", \"subscription\": 1652001}".to_vec(),
            404,
        ));
    }
    for (method, path, status) in [
        ("GET", "/billing", 404),
        ("GET", "/billing/", 404),
        ("GET", "/billing/Plans", 404),
        ("GET", "/billing/plans/", 404),
        ("GET", "/billing/plans/professional", 404),
        ("GET", "/billing/subscription/1652001", 404),
        ("GET", "/billing/invoices/1", 404),
        ("GET", "/billing/portal/1", 404),
        ("POST", "/billing/webhooks", 404),
        ("POST", "/billing/webhooks/stripe", 404),
        ("POST", "/billing/plans", 405),
        ("DELETE", "/billing/subscription", 405),
        ("PATCH", "/billing/subscription", 405),
        ("GET", "/billing/subscription/cancel", 405),
        ("GET", "/billing/portal", 405),
        ("PUT", "/billing/invoices", 405),
        ("GET", WEBHOOKS, 405),
        ("DELETE", WEBHOOKS, 405),
    ] {
        attacks.push((method, path.to_owned(), Vec::new(), status));
    }
    attacks
}

#[tokio::test]
async fn no_hostile_request_to_billing_does_anything() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let attacks = attacks();
    assert!(attacks.len() >= 100, "{}", attacks.len());
    let struck = stream::iter(attacks.chunks(REQUESTS_OF_A_USER)).map(|attacks| strike_as_one(&shop, attacks));
    let faults: Vec<Vec<String>> = struck.buffer_unordered(AT_ONCE).try_collect().await?;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    ensure!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), attacks.len(), faults.join("\n"));
    count(attacks.len());
    Ok(())
}

/// Makes some attacks as one user, who must have afterwards what they had.
async fn strike_as_one(shop: &Shop, attacks: &[Attack]) -> anyhow::Result<Vec<String>> {
    let user = shop.user().await?;
    let before = belongings(shop, &user).await?;
    let mut faults = Vec::new();
    for (method, path, body, status) in attacks {
        let request = by(&user, method, path).header("Content-Type", "application/json").body(body.clone());
        let name = format!("{method} {path} {:.80}", String::from_utf8_lossy(body));
        faults.extend(strike(shop, &Case::new(name, request, *status)).await?);
    }
    if belongings(shop, &user).await? != before {
        faults.push(format!("  something changed: {:?}", attacks.iter().map(|attack| &attack.1).collect::<Vec<_>>()));
    }
    Ok(faults)
}

async fn strike(shop: &Shop, case: &Case) -> anyhow::Result<Option<String>> {
    let answer = case.request.send(&shop.stack.url, any_loopback_address()).await?;
    let told = answer.number("x-ratelimit-limit").and_then(|_| answer.error(case.status, case.code));
    Ok(told.err().map(|error| format!("  {}: {error:#}", case.name)))
}

async fn belongings(shop: &Shop, user: &User) -> anyhow::Result<Vec<Item>> {
    let all = Query::new(Condition::equal("pk", account_key(&user.id).pk)).consistent();
    Ok(shop.stack.table("extract").query_items(all).await?.items)
}

/// What comes by the way of webhooks and is not signed.
#[tokio::test]
async fn no_forged_webhook_is_taken() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.buyer(Plan::Enterprise).await?;
    let before = belongings(&shop, &buyer.user).await?;
    let event = buyer.events.last().map(|event| event.body.clone()).unwrap_or_default();
    let signature = buyer.events.first().and_then(|event| event.signature.clone()).unwrap_or_default();
    let mut cases = Vec::new();
    for forged in [
        "",
        " ",
        "0",
        "null",
        "true",
        "undefined",
        "none",
        "sha256=",
        "*",
        "' OR '1'='1",
        "\u{e9}\u{e9}",
        "-1",
        "0x00",
        "+f",
        "=====",
    ] {
        let request = RawRequest::new("POST", WEBHOOKS).header("X-Signature", forged).body(event.clone());
        cases.push(Case::new(format!("signed {forged}"), request, 401));
    }
    for (name, value) in [
        ("X-Signature", signature.as_str()),
        ("X-Signature", &"0".repeat(64)),
        ("X-Signature", &"f".repeat(7_000)),
        ("X-Hub-Signature-256", &signature),
        ("Authorization", &signature),
        ("Cookie", &format!("x-signature={signature}")),
    ] {
        let request = RawRequest::new("POST", WEBHOOKS).header(name, value).body(event.clone());
        cases.push(Case::new(format!("{name}: {value:.20}"), request, 401));
    }
    for (name, body) in wrong_texts() {
        let is_text = std::str::from_utf8(&body).is_ok();
        let is_small = body.len() <= 1024 * 1024;
        let status = if is_text && is_small { 401 } else { 400 };
        let request = RawRequest::new("POST", WEBHOOKS).header("X-Signature", "0".repeat(64)).body(body);
        cases.push(Case::new(name, request, status));
    }
    let mut faults = Vec::new();
    for case in &cases {
        faults.extend(strike(&shop, case).await?);
    }
    ensure!(faults.is_empty(), "{} of {} went through:\n{}", faults.len(), cases.len(), faults.join("\n"));
    ensure!(belongings(&shop, &buyer.user).await? == before, "something changed");
    count(cases.len());
    Ok(())
}
