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

use crate::budgets::bound::Bound;
use crate::budgets::cost::Cost;
use crate::budgets::requests::{KEY, cost_of, measured, over};

/// What a function costs more that has not read its provider's key.
const PROVIDER_KEY: Cost = Cost::new(0, 0.0, 0.0, 1);

/// Whether a request has a key of its own, each time another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyed {
    No,
    Yes,
    /// The same was asked before, by the same key.
    Again,
}

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost. A captcha that is solved when it is first asked
/// for is two requests of its provider. `{site}` stands for a site that is listed, `{new}` for another one each time.
fn bounds() -> Vec<Bound<Keyed>> {
    use Keyed::{Again, No, Yes};
    let (nothing, prompt) = (Some(json!({})), Some(prompt()));
    let (captcha, unlisted) = (Some(captcha("{site}")), Some(captcha("not-{site}")));
    let generate = |what, body: &Option<Json>, by, status, cost| {
        Bound::new(what, Method::POST, "/llm/generate", body.clone(), by, status, cost)
    };
    let solve = |what, body: &Option<Json>, by, status, cost| {
        Bound::new(what, Method::POST, "/captcha/solve", body.clone(), by, status, cost)
    };
    let domain = |what, method, path, status, cost| Bound::new(what, method, path, None, No, status, cost);
    //                                  DynamoDB, read, written, others
    vec![
        generate("generate", &prompt, No, 200, Cost::new(1, 0.0, 1.0, 1)),
        generate("generate, with a key", &prompt, Yes, 200, Cost::new(4, 1.0, 3.0, 1)),
        generate("generate, again", &prompt, Again, 200, Cost::new(2, 1.0, 1.0, 0)),
        generate("generate, at fault", &nothing, No, 400, Cost::new(1, 0.0, 1.0, 0)),
        solve("solve", &captcha, No, 200, Cost::new(2, 1.0, 1.0, 2)),
        solve("solve, with a key", &captcha, Yes, 200, Cost::new(6, 2.0, 4.0, 2)),
        solve("solve, again", &captcha, Again, 200, Cost::new(3, 2.0, 1.0, 0)),
        solve("solve, at fault", &nothing, No, 400, Cost::new(1, 0.0, 1.0, 0)),
        solve("solve, not listed", &unlisted, No, 400, Cost::new(2, 1.0, 1.0, 0)),
        domain("list sites", Method::GET, "/captcha/domains?limit=1", 200, Cost::new(2, 1.0, 1.0, 0)),
        domain("show a site", Method::GET, "/captcha/domains/{site}", 200, Cost::new(2, 1.0, 1.0, 0)),
        domain("list a site", Method::PUT, "/captcha/domains/{new}", 200, Cost::new(2, 0.0, 2.0, 0)),
        domain("take a site off", Method::DELETE, "/captcha/domains/{new}", 404, Cost::new(2, 0.0, 2.0, 0)),
        domain("no such path", Method::GET, "/captcha/nowhere", 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

fn prompt() -> Json {
    json!({"prompt": Plan::new(&[Step::Ok]).to_string(), "options": {"model": "gpt-4o-mini"}})
}

fn captcha(site: &str) -> Json {
    let page = format!("https://{site}/?{}", Plan::new(&[Step::Ok]));
    json!({"captcha_type": "hcaptcha", "data": {"site_key": "k", "page_url": page, "site_domain": site}})
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
async fn measure(stack: &Stack, caller: &Worker, bound: &Bound<Keyed>, site: &str) -> anyhow::Result<Option<Cost>> {
    let id = new_id(Clock::system().now()).simple().to_string();
    let path = bound.path.replace("{site}", site).replace("{new}", &format!("{id}.example"));
    let body = bound.body.as_ref().map(|body| body.to_string().replace("{site}", site));
    let request = || {
        let mut request = caller.request(bound.method.clone(), &path);
        if let Some(body) = &body {
            request = request.header("Content-Type", "application/json").body(body.clone());
        }
        if bound.by == Keyed::No { request } else { request.header("Idempotency-Key", &id) }
    };
    if bound.by == Keyed::Again {
        ensure!(request().send().await?.status().is_success(), "the first was not answered");
    }
    cost_of(stack, "worker-services", request(), bound.status).await
}
