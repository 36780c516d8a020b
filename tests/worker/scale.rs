//! What finding a task or a proxy costs with 100,000 behind it. The default emulator's queries slow down with the size of a partition: here
//! the functions' own processes run on DynamoDB Local.

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

/// A request: what it is, its method and its path.
type Request = (&'static str, &'static str, String);

/// A function of the worker API on the second engine.
struct Lab {
    engine: SecondEngine,
    function: FunctionProcess,
    token: String,
}

impl Lab {
    async fn of(function: &str) -> anyhow::Result<Self> {
        let engine = SecondEngine::of(&Stack::from_environment()?).await?;
        let process = FunctionProcess::start(function, &engine.environment_of(function).await?).await?;
        Ok(Self { token: engine.administrator(KeyKind::Worker).await?, engine, function: process })
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Invoked> {
        let headers =
            [("X-API-Token", self.token.as_str()), ("X-Worker-ID", "one"), ("Content-Type", "application/json")];
        let answer = self.function.request(method, path, &headers, body).await?;
        ensure!(matches!(answer.status, 200 | 201), "{method} {path}: {} {}", answer.status, answer.body);
        Ok(answer)
    }

    async fn measure(&self, requests: &[Request]) -> anyhow::Result<BTreeMap<&'static str, Cost>> {
        let mut costs = BTreeMap::new();
        for (what, method, path) in requests {
            let mut all = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                all.push(Cost::logged(&self.call(method, path, "").await?.line)?);
            }
            costs.insert(*what, least(&all).context("no costs")?);
        }
        Ok(costs)
    }

    /// Fails where a request costs more once there are many copies of `record` beside the few that there are.
    async fn costs_stay(&self, requests: &[Request], record: &str) -> anyhow::Result<()> {
        let few = self.measure(requests).await?;
        self.engine.copy("worker", &Key::new(record, "RECORD"), MANY - FEW).await?;
        let many = self.measure(requests).await?;
        for (what, of_few) in &few {
            let of_many = &many[what];
            println!("{what:22} of {FEW}: {of_few}; of {MANY}: {of_many}");
            ensure!(of_few.dynamodb == of_many.dynamodb, "{what}: {of_few} became {of_many}");
            let [of_few, of_many] = [of_few, of_many].map(|cost| cost.read + cost.written);
            ensure!((of_many / of_few - 1.0).abs() <= 0.1, "{what}: {of_few} units became {of_many}");
        }
        Ok(())
    }
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn finding_a_task_costs_the_same_with_a_hundred_and_with_a_hundred_thousand_due() -> anyhow::Result<()> {
    let lab = Lab::of("worker-tasks").await?;
    let made = lab.call("POST", "/api/campaigns", r#"{"name": "Large"}"#).await?.body;
    let campaign = made["campaign"]["id"].as_u64().context("no campaign")?;
    let tasks = vec![json!({"campaign_id": campaign, "type": "comment"}); FEW];
    let made = lab.call("POST", "/api/tasks", &json!({"tasks": tasks}).to_string()).await?.body;
    let first = made["tasks"][0]["id"].as_u64().context("no task")?;
    let requests = [
        ("pending", "GET", "/api/tasks/pending".to_owned()),
        ("pending, of a type", "GET", "/api/tasks/pending?type=comment".to_owned()),
        ("pending, of a campaign", "GET", format!("/api/tasks/pending?campaign_id={campaign}")),
        ("pending, of both", "GET", format!("/api/tasks/pending?campaign_id={campaign}&type=comment")),
        ("claim", "POST", "/api/tasks/claim".to_owned()),
    ];
    lab.costs_stay(&requests, &format!("TASK#{}", first + FEW as u64 - 1)).await
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn finding_a_proxy_costs_the_same_among_a_hundred_and_among_a_hundred_thousand() -> anyhow::Result<()> {
    let lab = Lab::of("worker-records").await?;
    let proxies =
        vec![json!({"host": "proxy.example.com", "port": 80, "password": "a password", "country": "US"}); FEW];
    let made = lab.call("POST", "/api/proxies", &json!({"proxies": proxies}).to_string()).await?.body;
    let first = made["proxies"][0]["id"].as_u64().context("no proxy")?;
    let requests = [
        ("proxies", "GET", "/api/proxies".to_owned()),
        ("proxies, of a country", "GET", "/api/proxies?country=US".to_owned()),
        ("all, of a country", "GET", "/api/proxies?country=US&active_only=false".to_owned()),
        ("the inventory", "GET", "/api/proxies/inventory".to_owned()),
    ];
    lab.costs_stay(&requests, &format!("PROXY#{}", first + FEW as u64 - 1)).await
}
