//! What finding a task costs with 100,000 behind it. The default emulator's queries slow down with the size of a partition: here the
//! function's own process runs on DynamoDB Local.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use api::identity::KeyKind;
use drover_tests::Stack;
use drover_tests::function::{FunctionProcess, Invoked};
use drover_tests::second_engine::SecondEngine;
use serde_json::json;
use table::Key;

use crate::budgets::cost::{Cost, least};

const FEW: usize = 100;
const MANY: usize = 100_000;
/// How often each request is made; the first of all also reads the token.
const ROUNDS: usize = 5;

#[tokio::test]
async fn finding_a_task_costs_the_same_with_a_hundred_and_with_a_hundred_thousand_due() -> anyhow::Result<()> {
    let engine = SecondEngine::of(&Stack::from_environment()?).await?;
    let function = FunctionProcess::start("worker-tasks", &engine.environment_of("worker-tasks").await?).await?;
    let token = engine.administrator(KeyKind::Worker).await?;
    let call = async |method: &str, path: &str, body: &str| -> anyhow::Result<Invoked> {
        let headers = [("X-API-Token", token.as_str()), ("X-Worker-ID", "one"), ("Content-Type", "application/json")];
        let answer = function.request(method, path, &headers, body).await?;
        ensure!(matches!(answer.status, 200 | 201), "{method} {path}: {} {}", answer.status, answer.body);
        Ok(answer)
    };
    let made = call("POST", "/api/campaigns", r#"{"name": "Large"}"#).await?.body;
    let campaign = made["campaign"]["id"].as_u64().context("no campaign")?;
    let tasks = vec![json!({"campaign_id": campaign, "type": "comment"}); FEW];
    let made = call("POST", "/api/tasks", &json!({"tasks": tasks}).to_string()).await?.body;
    let first = made["tasks"][0]["id"].as_u64().context("no task")?;

    let requests = [
        ("pending", "GET", "/api/tasks/pending".to_owned()),
        ("pending, of a type", "GET", "/api/tasks/pending?type=comment".to_owned()),
        ("pending, of a campaign", "GET", format!("/api/tasks/pending?campaign_id={campaign}")),
        ("pending, of both", "GET", format!("/api/tasks/pending?campaign_id={campaign}&type=comment")),
        ("claim", "POST", "/api/tasks/claim".to_owned()),
    ];
    let measure = async || {
        let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
        for (what, method, path) in &requests {
            let mut all = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                all.push(Cost::logged(&call(method, path, "").await?.line)?);
            }
            costs.insert(what, least(&all).context("no costs")?);
        }
        anyhow::Ok(costs)
    };
    let few = measure().await?;
    engine.copy("worker", &Key::new(format!("TASK#{}", first + FEW as u64 - 1), "RECORD"), MANY - FEW).await?;
    let many = measure().await?;
    for (what, of_few) in &few {
        let of_many = &many[what];
        println!("{what:22} of {FEW}: {of_few}; of {MANY}: {of_many}");
        ensure!(of_few.dynamodb == of_many.dynamodb, "{what}: {of_few} became {of_many}");
        let [of_few, of_many] = [of_few, of_many].map(|cost| cost.read + cost.written);
        ensure!((of_many / of_few - 1.0).abs() <= 0.1, "{what}: {of_few} units became {of_many}");
    }
    Ok(())
}
