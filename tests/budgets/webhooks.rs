//! The cost of one request at each endpoint of webhooks.
//!
//! A function that is new asks KMS once for the key that seals secrets, besides what it asks of the caller's key.

use anyhow::{Context, ensure};
use drover_tests::{Stack, User, id_of};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over};

/// The function that serves them.
const FUNCTION: &str = "webhook-endpoints";
/// How many requests go before, at once: more than there are functions, so that most know the caller's key.
const WARMING: usize = 20;

/// A request: what it is, and what it may cost.
struct Bound {
    what: &'static str,
    method: Method,
    /// `{id}` stands for the id of a webhook that is made for this request, `{missing}` for one that is not there.
    path: &'static str,
    body: Option<Json>,
    status: u16,
    cost: Cost,
}

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost.
fn bounds() -> Vec<Bound> {
    let bound = |what, method, path, body, status, cost| Bound { what, method, path, body, status, cost };
    let new = Some(json!({"url": "https://example.com/hook"}));
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    //                                                             DynamoDB, read, written, others
    vec![
        bound("create", post.clone(), "/webhooks", new.clone(), 201, Cost::new(2, 0.0, 5.0, 0)),
        bound("create, at fault", post.clone(), "/webhooks", Some(json!({})), 400, Cost::new(1, 0.0, 1.0, 0)),
        bound("list", get.clone(), "/webhooks", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        bound("show", get.clone(), "/webhooks/{id}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        bound("show, missing", get.clone(), "/webhooks/{missing}", None, 404, Cost::new(2, 1.0, 1.0, 0)),
        bound("change", put.clone(), "/webhooks/{id}", new.clone(), 200, Cost::new(3, 1.0, 2.0, 0)),
        bound("change, missing", put, "/webhooks/{missing}", new, 404, Cost::new(2, 1.0, 1.0, 0)),
        bound("rotate", post.clone(), "/webhooks/{id}/rotate-secret", None, 200, Cost::new(3, 1.0, 3.0, 0)),
        bound("test", post, "/webhooks/{id}/test", None, 202, Cost::new(4, 1.0, 4.0, 1)),
        bound("attempts", get, "/webhooks/{id}/attempts", None, 200, Cost::new(3, 1.5, 1.0, 0)),
        bound("delete", delete.clone(), "/webhooks/{id}", None, 200, Cost::new(2, 0.0, 5.0, 0)),
        bound("delete, missing", delete, "/webhooks/{missing}", None, 404, Cost::new(2, 0.0, 1.0, 0)),
    ]
}

#[tokio::test]
async fn every_endpoint_of_webhooks_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let cold = KEY.plus(&Cost::new(0, 0.0, 0.0, 1));
    let mut faults = Vec::new();
    for mut bound in bounds() {
        // One for each, so that what its limits count is its own.
        let user = stack.user().await?;
        try_join_all((0..WARMING).map(|_| user.get("/webhooks"))).await?;
        bound.cost = bound.cost.measurable_on(&stack);
        let costs = measured(&bound.cost, async || measure(&stack, &user, &bound).await).await.context(bound.what)?;
        faults.extend(over(bound.what, &costs, &bound.cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// What a request costs.
async fn measure(stack: &Stack, user: &User, bound: &Bound) -> anyhow::Result<Option<Cost>> {
    for webhook in user.get("/webhooks").await?.as_array().into_iter().flatten() {
        user.call(Method::DELETE, &format!("/webhooks/{}", id_of(webhook)?)).await?.success(200)?;
    }
    let mut path = bound.path.replace("{missing}", "00000000-0000-0000-0000-000000000000");
    if path.contains("{id}") {
        let body = json!({"url": "https://localhost/hook"});
        let webhook = user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
        path = path.replace("{id}", id_of(&webhook)?);
    }
    let mut request = user.request(bound.method.clone(), &path);
    if let Some(body) = &bound.body {
        request = request.json(body);
    }
    cost_of(stack, FUNCTION, request, bound.status).await
}
