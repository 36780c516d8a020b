//! What a claim costs in a pool of 100,000 credentials, and with 64 functions at work on one pool. The default emulator's queries slow
//! down with the size of a partition: here the functions' own processes run on DynamoDB Local.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use api::identity::KeyKind;
use drover_tests::Stack;
use drover_tests::function::{FunctionProcess, Invoked};
use drover_tests::scraper::{ADMIN, QUEUE};
use drover_tests::second_engine::SecondEngine;
use serde_json::{Value as Json, json};
use table::Key;
use tokio::task::JoinSet;

use crate::budgets::cost::Cost;

/// As many as an import takes.
const IMPORTED: usize = 1_000;

/// The credential queue on the second engine.
struct Queue {
    engine: SecondEngine,
    environment: HashMap<String, String>,
    key: String,
    /// Does what administrators do.
    first: FunctionProcess,
}

impl Queue {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let engine = SecondEngine::of(&stack).await?;
        let environment = engine.environment_of("credential-queue").await?;
        let first = FunctionProcess::start("credential-queue", &environment).await?;
        Ok(Self { key: engine.administrator(KeyKind::Scraper).await?, engine, environment, first })
    }

    /// A new platform with so many credentials, all of them free. An import of 100,000 is minutes: those behind the first thousand, which
    /// no test gets to, are written as copies.
    async fn pool(&self, name: &str, credentials: usize) -> anyhow::Result<()> {
        let first = self.import(name, credentials.min(IMPORTED)).await?;
        self.engine
            .copy("credentials", &Key::new(format!("CRED#{first}"), "CRED"), credentials.saturating_sub(IMPORTED))
            .await
    }

    /// A new platform with so many credentials; the number of the first of them.
    async fn import(&self, name: &str, credentials: usize) -> anyhow::Result<u64> {
        let settings = json!({"secret": "email_password"}).to_string();
        let path = format!("{ADMIN}/platforms/{name}");
        expect(&call(&self.first, &self.key, "PUT", &path, &settings).await?, 200)?;
        let path = format!("{ADMIN}/credentials/import?platform={name}");
        let line = |number| json!({"name": format!("Account {number}"), "email": "a@example.com", "password": "x"});
        let lines: String = (1..=credentials).flat_map(|number| [line(number).to_string(), "\n".to_owned()]).collect();
        let imported = call(&self.first, &self.key, "POST", &path, &lines).await?;
        expect(&imported, 201)?["first_id"].as_u64().context("no number")
    }

    /// Another process of the function.
    async fn another(&self) -> anyhow::Result<FunctionProcess> {
        FunctionProcess::start("credential-queue", &self.environment).await
    }
}

async fn call(queue: &FunctionProcess, key: &str, method: &str, path: &str, body: &str) -> anyhow::Result<Invoked> {
    let kind = if path.contains("/import") { "application/x-ndjson" } else { "application/json" };
    queue.request(method, path, &[("X-Scraper-API-Key", key), ("Content-Type", kind)], body).await
}

fn expect(answer: &Invoked, status: u64) -> anyhow::Result<&Json> {
    ensure!(answer.status == status, "{} instead of {status}: {}", answer.status, answer.body);
    Ok(&answer.body)
}

/// Claims and gives back, once; what the claim cost.
async fn claim(queue: &FunctionProcess, key: &str, platform: &str) -> anyhow::Result<Cost> {
    let claimed = call(queue, key, "GET", &format!("{QUEUE}/{platform}/next"), "").await?;
    let id = expect(&claimed, 200)?["id"].as_u64().context("no number")?;
    let report = call(queue, key, "POST", &format!("{QUEUE}/{id}/success"), "{}").await?;
    expect(&report, 200)?;
    Cost::logged(&claimed.line)
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn a_claim_costs_the_same_of_a_hundred_credentials_and_of_a_hundred_thousand() -> anyhow::Result<()> {
    const ROUNDS: u32 = 300;
    let queue = Queue::new().await?;
    let mut averages = Vec::new();
    for (platform, credentials) in [("small", 100), ("large", 100_000)] {
        queue.pool(platform, credentials).await?;
        let warm = queue.another().await?;
        // Before anything is measured: the key and the platform are read, and the seals' data key is opened.
        claim(&warm, &queue.key, platform).await?;
        let mut sum = Cost::new(0, 0.0, 0.0, 0);
        for _ in 0..ROUNDS {
            sum = sum.plus(&claim(&warm, &queue.key, platform).await?);
        }
        let average = [f64::from(sum.dynamodb), sum.read + sum.written].map(|sum| sum / f64::from(ROUNDS));
        println!("{credentials:7} credentials: {:.3} requests, {:.3} units a claim", average[0], average[1]);
        ensure!(average[0] <= 1.2, "{} requests a claim", average[0]);
        averages.push(average);
    }
    for (what, small, large) in
        [("requests", averages[0][0], averages[1][0]), ("units", averages[0][1], averages[1][1])]
    {
        ensure!((large / small - 1.0).abs() <= 0.1, "{small} {what} of 100, {large} of 100,000");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "works all cores hard: tests/run runs it after the others"]
async fn a_claim_of_64_callers_costs_at_most_two_requests() -> anyhow::Result<()> {
    const CALLERS: usize = 64;
    const CLAIMS: usize = 2_000;
    let queue = Arc::new(Queue::new().await?);
    queue.pool("hot", 1_000).await?;
    let claims = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        // Each by a function of its own, as Lambda has it.
        let (warm, queue, claims) = (queue.another().await?, Arc::clone(&queue), Arc::clone(&claims));
        callers.spawn(async move {
            let mut costs = Vec::new();
            while claims.fetch_add(1, Ordering::Relaxed) < CLAIMS {
                costs.push(claim(&warm, &queue.key, "hot").await?);
            }
            anyhow::Ok(costs)
        });
    }
    let (mut requests, mut count) = (0, 0);
    while let Some(caller) = callers.join_next().await {
        // The first claim of each also reads the key and the platform.
        let costs = caller??;
        requests += costs.iter().map(|cost| cost.dynamodb).sum::<u32>();
        count += u32::try_from(costs.len())?;
    }
    let average = f64::from(requests) / f64::from(count);
    println!("{average:.3} requests a claim, of {count}, authentication and cold starts included");
    ensure!(average <= 2.0, "{average} requests a claim");
    Ok(())
}
