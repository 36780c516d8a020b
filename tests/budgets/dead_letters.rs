//! The cost of one request at each endpoint of dead letters. Of all letters of a queue at once only faults are asked for: the letters are other tests' too.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use futures::future::try_join_all;
use jobs::{DeadLetter, DeadLetters};
use reqwest::Method;
use table::{Clock, new_id};

use super::bound::{As, Bound};
use super::cost::Cost;
use super::requests::{CLOUD_KEY, cost_of, measured, over};

/// The function that serves them.
const FUNCTION: &str = "dead-letter-records";
/// How many requests go before, at once, so that most functions know the caller's key.
const WARMING: usize = 20;

/// Every endpoint, asked by an operator. Each request is counted by the rate limiter: one write unit in each cost. `{letter}` stands for a letter that
/// names no job, `{missing}` for one that is not there. What is done, or would be, is two writes of the audit log: that it was asked for, and how it went.
pub(super) fn bounds() -> Vec<Bound<As>> {
    let bound = |what, method, path, status, cost| Bound::new(what, method, path, None, As::Key, status, cost);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    //                                                                         DynamoDB, read, written, others
    vec![
        bound("list", get.clone(), "/admin/dead-letters?queue=webhooks&limit=1", 200, Cost::new(2, 1.0, 1.0, 0)),
        bound("list, at fault", get.clone(), "/admin/dead-letters?queue=x", 400, Cost::new(1, 0.0, 1.0, 0)),
        bound("show", get.clone(), "/admin/dead-letters/{letter}", 200, Cost::new(2, 1.0, 1.0, 0)),
        bound("show, missing", get, "/admin/dead-letters/{missing}", 404, Cost::new(2, 1.0, 1.0, 0)),
        bound("redrive", post.clone(), "/admin/dead-letters/{letter}/redrive", 200, Cost::new(4, 1.0, 3.0, 0)),
        bound("redrive many, at fault", post, "/admin/dead-letters/redrive?limit=0", 400, Cost::new(1, 0.0, 1.0, 0)),
        bound("purge, missing", delete.clone(), "/admin/dead-letters/{missing}", 404, Cost::new(4, 0.0, 4.0, 0)),
        bound("purge many, at fault", delete, "/admin/dead-letters", 400, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

#[tokio::test]
async fn dead_letters_are_within_their_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    let now = Clock::system().now();
    let letter = DeadLetter {
        queue: "webhooks".to_owned(),
        message_id: new_id(now).to_string(),
        body: "no JSON".to_owned(),
        sent_at: now,
        verdict: "written by a test".to_owned(),
        redriven_at: None,
    };
    let letters = DeadLetters::new(stack.table("events"));
    letters.keep(&letter).await?;
    try_join_all((0..WARMING).map(|_| operator.get("/admin/dead-letters?queue=webhooks&limit=1"))).await?;
    let mut faults = Vec::new();
    for Bound { what, method, path, status, cost, .. } in bounds() {
        let cost = cost.measurable_on(&stack);
        let path = path.replace("{letter}", &letter.id().to_string()).replace("{missing}", "webhooks.1.missing");
        let costs =
            measured(&cost, async || cost_of(&stack, FUNCTION, operator.request(method.clone(), &path), status).await)
                .await
                .context(what)?;
        faults.extend(over(what, &costs, &cost, &CLOUD_KEY)?);
    }
    letters.delete_one(&letter.id()).await?;
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
