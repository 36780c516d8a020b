//! The cost of one request at each endpoint of webhooks, and of one attempt to deliver.
//!
//! A function that is new asks KMS once for the key that seals secrets, besides what it asks of the caller's key.

use anyhow::{Context, ensure};
use drover_tests::quiet::QuietTasks;
use drover_tests::receiver::Receiver;
use drover_tests::{Stack, User, eventually, id_of};
use extract::TaskType;
use reqwest::Method;
use serde_json::json;
use table::{Clock, Millis};

use super::bound::{As, Bound};
use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over, warm_up};

/// What an attempt may cost that succeeds, of an endpoint that is well: the endpoint, a place among its user's attempts, the claim, the attempt's record,
/// the end and the place given back; one request to the endpoint.
const ATTEMPT: Cost = Cost::new(6, 1.0, 8.0, 1);

/// The function that serves them.
const FUNCTION: &str = "webhook-endpoints";

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost. `{id}` stands for the id of a webhook that is made for
/// this request, `{missing}` for one that is not there.
pub(super) fn bounds() -> Vec<Bound<As>> {
    let bound = |what, method, path, body, status, cost| Bound::new(what, method, path, body, As::Key, status, cost);
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
        bound("rotate", post.clone(), "/webhooks/{id}/rotate-secret", None, 200, Cost::new(3, 1.0, 2.0, 0)),
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
        warm_up(async || user.get("/webhooks").await).await?;
        bound.cost = bound.cost.measurable_on(&stack);
        let costs = measured(&bound.cost, async || measure(&stack, &user, &bound).await).await.context(bound.what)?;
        faults.extend(over(bound.what, &costs, &bound.cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// What a request costs.
async fn measure(stack: &Stack, user: &User, bound: &Bound<As>) -> anyhow::Result<Option<Cost>> {
    for webhook in user.get("/webhooks").await?.as_array().into_iter().flatten() {
        user.call(Method::DELETE, &format!("/webhooks/{}", id_of(webhook)?)).await?.success(200)?;
    }
    let mut path = bound.path.replace("{missing}", "00000000-0000-0000-0000-000000000000");
    if path.contains("{id}") {
        let body = json!({"url": "https://localhost/hook"});
        let webhook = user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
        path = path.replace("{id}", id_of(&webhook)?);
    }
    cost_of(stack, FUNCTION, bound.with_body(user.request(bound.method.clone(), &path)), bound.status).await
}

#[tokio::test]
async fn an_attempt_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let webhook = user.webhook(&server).await?;
    let bound = ATTEMPT.measurable_on(&stack);
    let costs = measured(&bound, async || {
        let since = Clock::system().now();
        let quiet = QuietTasks::new(&stack, Clock::system()).await?;
        let task = quiet.pending(&user, "Prices", TaskType::SimpleScraping).await?;
        let before = stack.deliveries(&user).await?.len();
        quiet.complete(&task).await?;
        let ended = stack.ended_deliveries(&user, before + 1).await?;
        let delivery = ended.iter().find(|delivery| delivery.task_id == Some(task.id)).context("no delivery")?;
        cost_of_attempt(&stack, since, &delivery.id).await.map(Some)
    })
    .await?;
    assert_eq!(user.shown_webhook(&webhook).await?["is_active"], true);
    // A function that is new asks KMS once for the key that opens secrets.
    let fault = over("attempt", &costs, &bound, &Cost::new(0, 0.0, 0.0, 1))?;
    ensure!(fault.is_none(), "over budget: {fault:?}");
    Ok(())
}

/// What the sender logged that the message of a delivery cost.
async fn cost_of_attempt(stack: &Stack, since: Millis, delivery: &str) -> anyhow::Result<Cost> {
    let line = eventually(&format!("the line of {delivery}'s message"), async || {
        let attempted = stack.log_lines("webhook-sender", since, &[delivery, "attempted"]).await?;
        let Some(message) = attempted.first().and_then(|line| line["span"]["message_id"].as_str()) else {
            return Ok(None);
        };
        let done = stack.log_lines("webhook-sender", since, &[message, "message done"]).await?;
        Ok(done.into_iter().next())
    })
    .await?;
    Cost::logged(&line)
}
