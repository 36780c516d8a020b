//! What a claim and a report may cost, in DynamoDB requests: from the functions' own access lines.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::answer::Answer;
use drover_tests::scraper::{Claimed, Pool, QUEUE};
use drover_tests::{Stack, eventually};
use reqwest::Method;
use serde_json::json;
use table::{Clock, Millis, new_id};
use tokio::task::JoinSet;

use super::CROWD;
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
            // The emulator may lose a line of a function that it stops.
            Ok((seen.len() * 100 >= expected * 98).then_some(costs))
        })
        .await
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are thousands of them")]
fn average(costs: &[Cost]) -> f64 {
    costs.iter().map(|cost| f64::from(cost.dynamodb)).sum::<f64>() / costs.len() as f64
}

/// What each of a hundred claims of a hundred credentials cost, and each report on them: one call after the other.
async fn uncontended() -> anyhow::Result<HashMap<String, Vec<Cost>>> {
    const CREDENTIALS: usize = 100;
    let metered = Metered::new(CREDENTIALS + 4).await?;
    // Before anything is measured: the key, the platform and the data key are read, once in half a minute by each warm function.
    for _ in 0..4 {
        metered.claim("warming").await?.context("none is free")?;
    }
    let mut claims = Vec::new();
    for _ in 0..CREDENTIALS {
        claims.push(metered.claim("next").await?.context("none is free")?);
    }
    for (claim, what) in claims.iter().zip(["success", "release", "heartbeat", "failure"].into_iter().cycle()) {
        metered.report(claim, what).await?;
    }
    metered.costs().await
}

#[tokio::test]
async fn an_uncontended_claim_is_hardly_more_than_one_request() -> anyhow::Result<()> {
    // Beside other tests the calls meet several functions, each of which reads ahead for itself, and they meet each other: what counts is
    // the least of several measurements.
    const MEASUREMENTS: usize = 4;
    let _alone = CROWD.lock().await;
    let mut over = Vec::new();
    for _ in 0..MEASUREMENTS {
        let costs = uncontended().await?;
        over.clear();
        for (what, most) in [("next", 1.2), ("success", 1.1), ("release", 1.1), ("heartbeat", 1.1), ("failure", 1.1)] {
            let (average, calls) = (average(&costs[what]), costs[what].len());
            println!("{what:10} {average:.3} requests of {calls} calls");
            if average > most {
                over.push(format!("{what} costs {average} requests, more than {most}"));
            }
        }
        if over.is_empty() {
            return Ok(());
        }
    }
    anyhow::bail!("over budget: {over:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_among_sixty_four_callers_is_at_most_two_requests() -> anyhow::Result<()> {
    const CALLERS: u32 = 64;
    const CLAIMS: usize = 1_000;
    const RAMP: Duration = Duration::from_millis(120);
    let _crowd = CROWD.lock().await;
    let metered = Arc::new(Metered::new(1_000).await?);
    let granted = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (metered, granted) = (Arc::clone(&metered), Arc::clone(&granted));
        callers.spawn(async move {
            // Not to synchronise: the emulator reads a large partition so slowly that 64 new functions at once would not be answered in time.
            tokio::time::sleep(RAMP * caller).await;
            while granted.load(Ordering::Relaxed) < CLAIMS {
                let claim = metered.claim("next").await?.context("none is free")?;
                granted.fetch_add(1, Ordering::Relaxed);
                metered.report(&claim, "success").await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let costs = metered.costs().await?;
    let (next, success) = (average(&costs["next"]), average(&costs["success"]));
    println!("{} claims of {CALLERS} callers: {next:.3} requests each; a report {success:.3}", costs["next"].len());
    ensure!(next <= 2.0, "a claim costs {next} requests");
    Ok(())
}
