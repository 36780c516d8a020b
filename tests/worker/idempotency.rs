//! `Idempotency-Key`: the same request again makes nothing more, and is answered alike.

use std::collections::BTreeSet;

use drover_tests::answer::Answer;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::Campaign;

impl Campaign {
    /// A key that no run before has used.
    fn key(&self, name: &str) -> String {
        format!("{name}-{}", self.id)
    }

    async fn post(&self, path: &str, key: &str, body: &Json) -> anyhow::Result<Answer> {
        let request = self.admin.request(Method::POST, path).header("Idempotency-Key", key);
        Answer::of(request.json(body).send().await?).await
    }
}

#[tokio::test]
async fn the_same_key_and_body_are_answered_as_the_first_was_whatever_has_happened_since() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    let body = json!({"campaign_id": campaign.id, "type": "comment"});
    let first = campaign.post("/tasks", &campaign.key("key-1"), &body).await?.success(201)?;
    let id = first["task"]["id"].as_u64().unwrap_or_default();
    campaign.worker.lock(id).await?;
    campaign.worker.report(id, &json!({"status": "success"})).await?.success(200)?;
    assert_eq!(campaign.post("/tasks", &campaign.key("key-1"), &body).await?.success(201)?, first);
    assert_eq!(campaign.admin.shown_task(id).await?["status"], "success", "it was not made anew");
    let other = json!({"campaign_id": campaign.id, "type": "profile"});
    let refused = campaign.post("/tasks", &campaign.key("key-1"), &other).await?;
    assert!(refused.worker_error(400)?.contains("Idempotency-Key"));
    let second = campaign.post("/tasks", &campaign.key("key-2"), &body).await?.success(201)?;
    assert_ne!(second["task"]["id"], first["task"]["id"]);
    Ok(())
}

#[tokio::test]
async fn many_requests_at_once_with_one_key_make_one_thing() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    let task = json!({"campaign_id": campaign.id, "type": "comment"});
    let many = json!({"tasks": vec![task; 20]});
    let key = campaign.key("together");
    let answers = try_join_all((0..8).map(|_| campaign.post("/tasks", &key, &many))).await?;
    let told: BTreeSet<_> =
        answers.iter().map(|answer| answer.success(201).map(|body| body.to_string())).collect::<Result<_, _>>()?;
    assert_eq!(told.len(), 1, "all are answered alike");
    assert_eq!(campaign.pending().await?.len(), 20);
    Ok(())
}

#[tokio::test]
async fn a_key_is_bounded() -> anyhow::Result<()> {
    let campaign = Campaign::with_tasks(0).await?;
    let body = json!({"name": "A campaign"});
    for wrong in ["", "a b", &"x".repeat(256)] {
        assert!(campaign.post("/campaigns", wrong, &body).await?.worker_error(400)?.contains("Idempotency-Key"));
    }
    campaign.post("/campaigns", &"x".repeat(255), &body).await?.success(201)?;
    Ok(())
}
