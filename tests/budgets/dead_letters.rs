//! The cost of one request at each endpoint of dead letters. Of all letters of a queue at once only faults are asked for: the letters are other tests' too.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::quiet::QuietTasks;
use extract::TaskType;
use jobs::DeadLetters;
use reqwest::Method;
use table::Clock;

use super::bound::{As, Bound};
use super::cost::Cost;
use super::requests::{CLOUD_KEY, cost_of, measured, over, warm_up};

/// The function that serves them.
const FUNCTION: &str = "dead-letter-records";
/// A page of them.
const LIST: &str = "/admin/dead-letters?queue=webhooks&limit=1";
/// What a task that is taken up writes, in one transaction, where all counts twice: the task with its places in the indexes, its account, that account's
/// day and sum, an entry of its ledger, and the letter. And what the rate limiter and the audit log write.
const TAKEN_UP: f64 = 23.0;

/// Every endpoint, asked by an operator. Each request is counted by the rate limiter: one write unit in each cost. `{letter}` stands for a letter that
/// names no job, `{missing}` for one that is not there. What is done, or would be, is two writes of the audit log: that it was asked for, and how it went.
pub(super) fn bounds() -> Vec<Bound<As>> {
    let bound = |what, method, path, status, cost| Bound::new(what, method, path, None, As::Key, status, cost);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    //                                                                         DynamoDB, read, written, others
    vec![
        bound("list", get.clone(), LIST, 200, Cost::new(2, 1.0, 1.0, 0)),
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
    let operator = stack.almighty_user().await?;
    let (letter, letters) = (stack.letter("webhooks", "no JSON").await?, DeadLetters::new(stack.table("events")));
    warm_up(async || operator.get(LIST).await).await?;
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

/// What a letter costs that does something: its job is taken up, its message sent, it is purged. Each time another job and letter.
#[tokio::test]
async fn letters_that_do_something_are_within_their_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.almighty_user().await?;
    let (quiet, letters) = (QuietTasks::new(&stack, Clock::system()).await?, DeadLetters::new(stack.table("events")));
    let mut faults = Vec::new();
    for (what, failed, method, below, cost) in [
        ("take a job up", true, Method::POST, "/redrive", Cost::new(6, 2.0, TAKEN_UP, 1)),
        ("send a message again", false, Method::POST, "/redrive", Cost::new(6, 2.0, 7.0, 1)),
        ("purge", true, Method::DELETE, "", Cost::new(4, 0.0, 4.0, 0)),
    ] {
        let cost = cost.measurable_on(&stack);
        warm_up(async || operator.get(LIST).await).await?;
        let costs = measured(&cost, async || {
            // One for each: what was taken up before is being worked on, and its user's account written.
            let user = stack.user().await?;
            let task = quiet.pending(&user, "A task", TaskType::SimpleScraping).await?;
            if failed {
                quiet.fail(&task).await?;
            }
            let letter = stack.letter("extract", &serde_json::to_string(&task.key)?).await?;
            let path = format!("/admin/dead-letters/{}{below}", letter.id());
            let cost = cost_of(&stack, FUNCTION, operator.request(method.clone(), &path), 200).await?;
            letters.delete_one(&letter.id()).await?;
            Ok(cost)
        })
        .await
        .context(what)?;
        faults.extend(over(what, &costs, &cost, &CLOUD_KEY)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
