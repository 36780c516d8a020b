//! The cost of one request at each endpoint of the worker API's services: of DynamoDB, and of the providers, which are the others here.
//!
//! A bound is what a warm function is measured to need, and no more.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::providers::{Plan, Step};
use drover_tests::worker::Worker;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, new_id};

use crate::budgets::cost::Cost;
use crate::budgets::requests::{KEY, cost_of, measured, over};

/// What a function costs more that has not read its provider's key.
const PROVIDER_KEY: Cost = Cost::new(0, 0.0, 0.0, 1);

/// A request: what it is, and what it may cost.
struct Bound {
    what: &'static str,
    method: Method,
    /// `{site}` stands for a site that is listed, `{new}` for another one each time.
    path: &'static str,
    body: fn(&str) -> Json,
    /// The request's own key, each time another.
    is_keyed: bool,
    /// Whether the same was asked before, by the same key.
    is_again: bool,
    status: u16,
    cost: Cost,
}

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost. A captcha that is solved when it is first asked
/// for is two requests of its provider.
fn bounds() -> Vec<Bound> {
    let bound = |what, method, path, body, status, cost| Bound {
        what,
        method,
        path,
        body,
        is_keyed: false,
        is_again: false,
        status,
        cost,
    };
    let keyed = |bound, cost| Bound { is_keyed: true, cost, ..bound };
    let again = |bound, cost| Bound { is_keyed: true, is_again: true, cost, ..bound };
    let generate = |what| bound(what, Method::POST, "/llm/generate", prompt, 200, Cost::new(1, 0.0, 1.0, 1));
    let solve = |what| bound(what, Method::POST, "/captcha/solve", captcha, 200, Cost::new(2, 1.0, 1.0, 2));
    let domain = |what, method, path, status, cost| bound(what, method, path, nothing, status, cost);
    //                                  DynamoDB, read, written, others
    vec![
        generate("generate"),
        keyed(generate("generate, with a key"), Cost::new(4, 1.0, 3.0, 1)),
        again(generate("generate, again"), Cost::new(2, 1.0, 1.0, 0)),
        Bound { status: 400, body: nothing, cost: Cost::new(1, 0.0, 1.0, 0), ..generate("generate, at fault") },
        solve("solve"),
        keyed(solve("solve, with a key"), Cost::new(6, 2.0, 4.0, 2)),
        again(solve("solve, again"), Cost::new(3, 2.0, 1.0, 0)),
        Bound { status: 400, body: nothing, cost: Cost::new(1, 0.0, 1.0, 0), ..solve("solve, at fault") },
        Bound { status: 400, body: unlisted, cost: Cost::new(2, 1.0, 1.0, 0), ..solve("solve, not listed") },
        domain("list sites", Method::GET, "/captcha/domains?limit=1", 200, Cost::new(2, 1.0, 1.0, 0)),
        domain("show a site", Method::GET, "/captcha/domains/{site}", 200, Cost::new(2, 1.0, 1.0, 0)),
        domain("list a site", Method::PUT, "/captcha/domains/{new}", 200, Cost::new(2, 0.0, 2.0, 0)),
        domain("take a site off", Method::DELETE, "/captcha/domains/{new}", 404, Cost::new(2, 0.0, 2.0, 0)),
        domain("no such path", Method::GET, "/captcha/nowhere", 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

fn nothing(_: &str) -> Json {
    json!({})
}

fn prompt(_: &str) -> Json {
    json!({"prompt": Plan::new(&[Step::Ok]).to_string(), "options": {"model": "gpt-4o-mini"}})
}

fn captcha(site: &str) -> Json {
    let page = format!("https://{site}/?{}", Plan::new(&[Step::Ok]));
    json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": site}})
}

fn unlisted(site: &str) -> Json {
    captcha(&format!("not-{site}"))
}

#[tokio::test]
async fn every_service_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    stack.set_provider_keys().await?;
    let admin = stack.worker_administrator()?;
    let site = format!("site-{}.example", new_id(Clock::system().now()).simple());
    admin.call(Method::PUT, &format!("/captcha/domains/{site}")).await?.success(200)?;
    let mut faults = Vec::new();
    for mut bound in bounds() {
        bound.cost = bound.cost.measurable_on(&stack);
        let costs = measured(&bound.cost, async || measure(&stack, &admin.elsewhere()?, &bound, &site).await).await;
        faults.extend(over(bound.what, &costs.context(bound.what)?, &bound.cost, &KEY.plus(&PROVIDER_KEY))?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// Makes a request, and gives what its function logged that it cost, if that was told in time.
async fn measure(stack: &Stack, caller: &Worker, bound: &Bound, site: &str) -> anyhow::Result<Option<Cost>> {
    let id = new_id(Clock::system().now()).simple().to_string();
    let path = bound.path.replace("{site}", site).replace("{new}", &format!("{id}.example"));
    let body = (bound.body)(site);
    let request = || {
        let request = caller.request(bound.method.clone(), &path).json(&body);
        if bound.is_keyed { request.header("Idempotency-Key", &id) } else { request }
    };
    if bound.is_again {
        ensure!(request().send().await?.status().is_success(), "the first was not answered");
    }
    cost_of(stack, "worker-services", request(), bound.status).await
}
