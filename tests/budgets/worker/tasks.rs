//! Tasks and campaigns: what a warm function is measured to need, and no more.
//!
//! Each request is counted by the rate limiter: one write unit in each cost. Tasks are listed by a page of an index and a `BatchGetItem`, of
//! which the emulator tells no capacity: DynamoDB charges one read unit for each task. A task that is due is in four indexes, one that has
//! ended in one: its writes are as many more.

use anyhow::ensure;
use drover_tests::Stack;
use reqwest::Method;
use serde_json::json;

use super::{Bound, By, warm_up_for};
use crate::budgets::cost::Cost;
use crate::budgets::requests::{cost_of, measured, over};

/// What a task has to be, for a request to find.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Due,
    Locked,
    LockedByAnother,
    Ended,
}

/// The stage that `{…}` in a path stands for.
const STAGES: [(&str, Stage); 4] = [
    ("{due}", Stage::Due),
    ("{locked}", Stage::Locked),
    ("{others}", Stage::LockedByAnother),
    ("{ended}", Stage::Ended),
];

fn bounds(campaign: u64) -> Vec<Bound<By>> {
    let task = json!({"campaign_id": campaign, "type": "comment"});
    let ten = json!({"tasks": vec![task.clone(); 10]});
    let (success, failed) = (json!({"status": "success"}), json!({"status": "failed"}));
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    //                                                                                   DynamoDB, read, written, others
    vec![
        Bound::worker("what is pending", get.clone(), "/tasks/pending", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::worker("of a type", get.clone(), "/tasks/pending?type=comment", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::worker("none of a type", get.clone(), "/tasks/pending?type=none", None, 200, Cost::new(2, 0.5, 1.0, 0)),
        Bound::worker("lock", post.clone(), "/tasks/{due}/lock", None, 200, Cost::new(2, 0.0, 8.0, 0)),
        Bound::worker(
            "lock, locked",
            post.clone(),
            "/tasks/{others}/lock",
            None,
            400,
            Cost::new(2, 0.0, 1.0, 0).refused(),
        ),
        Bound::worker("lock, missing", post.clone(), "/tasks/{missing}/lock", None, 404, Cost::new(3, 1.0, 1.0, 0)),
        Bound::worker("keep it", post.clone(), "/tasks/{locked}/heartbeat", None, 200, Cost::new(3, 1.0, 8.0, 0)),
        Bound::worker("unlock", post.clone(), "/tasks/{locked}/unlock", None, 200, Cost::new(3, 1.0, 8.0, 0)),
        Bound::worker(
            "report",
            put.clone(),
            "/tasks/{locked}/status",
            Some(success.clone()),
            200,
            Cost::new(2, 0.0, 5.0, 0),
        ),
        Bound::worker(
            "report a failure",
            put.clone(),
            "/tasks/{locked}/status",
            Some(failed),
            200,
            Cost::new(3, 1.0, 8.0, 0),
        ),
        Bound::worker(
            "report an error",
            put.clone(),
            "/tasks/{locked}/status",
            Some(json!({"status": "error"})),
            200,
            Cost::new(2, 0.0, 6.0, 0),
        ),
        Bound::worker(
            "report, again",
            put.clone(),
            "/tasks/{ended}/status",
            Some(success.clone()),
            200,
            Cost::new(3, 1.0, 1.0, 0),
        ),
        Bound::worker("report, missing", put, "/tasks/{missing}/status", Some(success), 404, Cost::new(3, 1.0, 1.0, 0)),
        Bound::admin("create a task", post.clone(), "/tasks", Some(task), 201, Cost::new(4, 0.0, 7.0, 0)),
        Bound::admin("create ten", post.clone(), "/tasks", Some(ten), 201, Cost::new(13, 0.0, 52.0, 0)),
        // By the index, where the function knows of none that is due; of those that it knows of, one request fewer.
        Bound::worker(
            "claim",
            post.clone(),
            "/tasks/claim?campaign_id={campaign}",
            None,
            200,
            Cost::new(3, 0.5, 8.0, 0),
        ),
        Bound::admin("create, at fault", post.clone(), "/tasks", Some(json!({})), 400, Cost::new(1, 0.0, 1.0, 0)),
        Bound::admin("list tasks", get.clone(), "/tasks", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::admin("show it", get.clone(), "/tasks/{due}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::admin(
            "create a campaign",
            post,
            "/campaigns",
            Some(json!({"name": "A"})),
            201,
            Cost::new(3, 0.0, 4.0, 0),
        ),
        Bound::admin("list campaigns", get.clone(), "/campaigns", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::admin("show it", get, "/campaigns/{campaign}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::nobody("no token", "/tasks/pending", 401, Cost::new(1, 0.0, 1.0, 0)),
        Bound::nobody("no such path", "/tasks/1/2/3", 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

#[tokio::test]
async fn every_endpoint_of_tasks_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (admin, worker, another) = (stack.worker_administrator()?, stack.worker().await?, stack.worker().await?);
    let campaign = admin.campaign().await?;
    warm_up_for(&[&admin, &worker], "/tasks/pending?type=none").await?;
    let mut faults = Vec::new();
    for bound in &bounds(campaign) {
        let cost = bound.cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            let mut path =
                bound.path.replace("{campaign}", &campaign.to_string()).replace("{missing}", "9007199254740991");
            if let Some((name, stage)) = STAGES.iter().find(|(name, _)| path.contains(name)) {
                let task = admin.elsewhere()?.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
                match stage {
                    Stage::Due => {}
                    Stage::Locked | Stage::Ended => drop(worker.elsewhere()?.lock(task).await?),
                    Stage::LockedByAnother => drop(another.elsewhere()?.lock(task).await?),
                }
                if *stage == Stage::Ended {
                    worker.elsewhere()?.report(task, &json!({"status": "success"})).await?.success(200)?;
                }
                path = path.replace(name, &task.to_string());
            }
            cost_of(&stack, "worker-tasks", bound.request(&admin, &worker, &path)?, bound.status).await
        })
        .await?;
        let cold = bound.by.cold();
        faults.extend(over(bound.what, &costs, &cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
