//! What a claim and a report may cost, in DynamoDB requests: from the functions' own access lines.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use drover_tests::answer::Answer;
use drover_tests::scraper::{Claimed, Pool, QUEUE};
use drover_tests::{CROWD, Stack, eventually};
use reqwest::Method;
use serde_json::json;
use table::{Clock, Millis, new_id};

use crate::budgets::cost::Cost;

/// Requests of one run: each has an id that begins with the run's, by which its access line is found.
struct Metered {
    pool: Pool,
    since: Millis,
    run: String,
    count: AtomicUsize,
}

impl Metered {
    async fn new(credentials: usize) -> anyhow::Result<Self> {
        let pool = Stack::from_environment()?.pool(credentials).await?;
        let since = Clock::system().now();
        Ok(Self { pool, since, run: format!("cost-{}", new_id(since).simple()), count: AtomicUsize::new(0) })
    }

    /// Calls an endpoint of the queue as part of what is measured as `what`.
    async fn call(&self, what: &str, method: Method, path: &str, token: Option<u64>) -> anyhow::Result<Answer> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{what}-{number}", self.run);
        let mut request = self.pool.scraper.request(method, &format!("{QUEUE}{path}")).header("X-Request-Id", id);
        if let Some(token) = token {
            request = request.header("X-Lease-Token", token);
        }
        Answer::of(request.json(&json!({"error_message": "x", "cooldown_minutes": 60})).send().await?).await
    }

    async fn claim(&self, what: &str) -> anyhow::Result<Option<Claimed>> {
        Claimed::read(&self.call(what, Method::GET, &format!("/{}/next", self.pool.platform), None).await?)
    }

    async fn report(&self, claim: &Claimed, what: &str) -> anyhow::Result<()> {
        self.call(what, Method::POST, &format!("/{}/{what}", claim.id), Some(claim.token)).await?.success(200)?;
        Ok(())
    }

    /// What each request of the run cost, by what it was measured as.
    async fn costs(&self) -> anyhow::Result<HashMap<String, Vec<Cost>>> {
        let expected = self.count.load(Ordering::Relaxed);
        eventually("the access lines are there", async || {
            let mut costs: HashMap<String, Vec<Cost>> = HashMap::new();
            let mut seen = HashSet::new();
            for line in self.pool.stack.log_lines("credential-queue", self.since, &[&self.run, "answered"]).await? {
                let id = line["span"]["request_id"].as_str().context("no request id")?;
                let mut parts = id.rsplit('-');
                let (number, what) = (parts.next().context("no number")?, parts.next().context("no name")?);
                if seen.insert(number.to_owned()) {
                    costs.entry(what.to_owned()).or_default().push(Cost::logged(&line)?);
                }
            }
            Ok((seen.len() == expected).then_some(costs))
        })
        .await
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are thousands of them")]
fn average(costs: &[Cost]) -> f64 {
    costs.iter().map(|cost| f64::from(cost.dynamodb)).sum::<f64>() / costs.len() as f64
}

#[tokio::test]
async fn an_uncontended_claim_is_hardly_more_than_one_request() -> anyhow::Result<()> {
    const ROUNDS: usize = 300;
    let _alone = CROWD.lock().await;
    let metered = Metered::new(100).await?;
    // Before anything is measured: the key and the platform are read, once in half a minute by each warm function.
    for _ in 0..10 {
        let claim = metered.claim("warming").await?.context("none is free")?;
        metered.report(&claim, "success").await?;
    }
    for round in 0..ROUNDS {
        let claim = metered.claim("next").await?.context("none is free")?;
        metered.report(&claim, if round % 2 == 0 { "success" } else { "release" }).await?;
    }
    for _ in 0..20 {
        let claim = metered.claim("more").await?.context("none is free")?;
        metered.report(&claim, "heartbeat").await?;
        metered.report(&claim, "failure").await?;
    }
    let costs = metered.costs().await?;
    for (what, most) in [("next", 1.2), ("success", 1.1), ("release", 1.1), ("heartbeat", 1.2), ("failure", 1.2)] {
        let (average, calls) = (average(&costs[what]), costs[what].len());
        println!("{what:10} {average:.3} requests of {calls} calls");
        ensure!(average <= most, "{what} costs {average} requests, more than {most}");
    }
    Ok(())
}
