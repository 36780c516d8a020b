//! The cost of one request at each endpoint of the worker API's records: what a warm function is measured to need, and no more.
//!
//! Each request is counted by the rate limiter: one write unit in each cost. Records are listed by a page of an index and a `BatchGetItem`,
//! of which the emulator tells no capacity: DynamoDB charges one read unit for each record. A record is written to its table and to each
//! index that has it: two for what is only listed, five for a proxy of a country.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Bound, By, warm_up_for};
use crate::budgets::cost::Cost;
use crate::budgets::requests::{cost_of, measured, over};

/// What a cold function asks KMS: to open the data keys of the proxies on a page, or for one to seal with.
const DATA_KEYS: Cost = Cost::new(0, 0.0, 0.0, 50);
fn bounds() -> Vec<Bound<By>> {
    let backlink = json!({"campaign_id": 5, "url": "https://example.com/", "type": "comment"});
    let account = json!({"campaign_id": 5, "site_domain": "example.com"});
    let verified = json!({"status": "verified", "verified_at": "2025-12-03T10:15:00Z"});
    let moved = json!({"port": 81});
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    //                                                                                   DynamoDB, read, written, others
    vec![
        Bound::worker("create a backlink", post.clone(), "/backlinks", Some(backlink), 201, Cost::new(3, 0.0, 4.0, 0)),
        Bound::worker(
            "create one, at fault",
            post.clone(),
            "/backlinks",
            Some(json!({})),
            400,
            Cost::new(1, 0.0, 1.0, 0),
        ),
        Bound::worker(
            "change it",
            put.clone(),
            "/backlinks/{backlink}",
            Some(verified.clone()),
            200,
            Cost::new(2, 0.0, 2.0, 0),
        ),
        Bound::worker(
            "change one, missing",
            put.clone(),
            "/backlinks/{missing}",
            Some(verified.clone()),
            404,
            Cost::new(2, 0.0, 1.0, 0),
        ),
        Bound::admin("list backlinks", get.clone(), "/backlinks", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::admin("show it", get.clone(), "/backlinks/{backlink}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::worker(
            "create an account",
            post.clone(),
            "/site-accounts",
            Some(account),
            201,
            Cost::new(3, 0.0, 4.0, 0),
        ),
        Bound::worker(
            "change it",
            put.clone(),
            "/site-accounts/{account}",
            Some(verified),
            200,
            Cost::new(2, 0.0, 2.0, 0),
        ),
        Bound::admin("list accounts", get.clone(), "/site-accounts", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::admin("show it", get.clone(), "/site-accounts/{account}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::worker("use proxies", get.clone(), "/proxies", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::worker(
            "use those of a country",
            get.clone(),
            "/proxies?country=US",
            None,
            200,
            Cost::new(3, 0.5, 1.0, 0),
        ),
        Bound::worker(
            "see all of a country",
            get.clone(),
            "/proxies?country=US&active_only=0",
            None,
            200,
            Cost::new(3, 0.5, 1.0, 0),
        ),
        Bound::worker("it has worked", post.clone(), "/proxies/{proxy}/success", None, 200, Cost::new(2, 0.0, 2.0, 0)),
        Bound::worker("it has failed", post.clone(), "/proxies/{well}/failure", None, 200, Cost::new(2, 0.0, 2.0, 0)),
        Bound::worker(
            "one has failed, missing",
            post.clone(),
            "/proxies/{missing}/failure",
            None,
            404,
            Cost::new(3, 1.0, 1.0, 0),
        ),
        Bound::admin("create a proxy", post, "/proxies", Some(proxy()), 201, Cost::new(3, 0.0, 7.0, 0)),
        Bound::admin("list proxies", get.clone(), "/proxies/inventory", None, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::admin("show it", get, "/proxies/{proxy}", None, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::admin("change it", put, "/proxies/{proxy}", Some(moved), 200, Cost::new(2, 0.0, 2.0, 0)),
        Bound::admin("delete it", Method::DELETE, "/proxies/{proxy}", None, 200, Cost::new(2, 0.0, 6.0, 0)),
        Bound::nobody("no token", "/proxies", 401, Cost::new(1, 0.0, 1.0, 0)),
        Bound::nobody("no such path", "/proxies/1/2/3", 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

fn proxy() -> Json {
    json!({"host": "proxy.example.com", "port": 80, "password": "a password", "country": "US"})
}

#[tokio::test]
async fn every_endpoint_of_records_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
    let number = |record: Json| record["id"].as_u64().context("no number");
    let bounds = bounds();
    let made = async |path: &str, one: &str| {
        let body =
            bounds.iter().find(|bound| bound.path == path && bound.status == 201).and_then(|bound| bound.body.clone());
        number(worker.made(path, one, &body.context("nothing to make")?).await?)
    };
    let (backlink, account) = (made("/backlinks", "backlink").await?, made("/site-accounts", "site_account").await?);
    let kept = admin.proxy(&proxy()).await?;
    warm_up_for(&[&admin, &worker], "/proxies").await?;
    let mut faults = Vec::new();
    for bound in &bounds {
        let cost = bound.cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            // One that is well: of a proxy that has failed often a failure costs more.
            let fresh = if bound.method == Method::DELETE || bound.path.contains("{well}") {
                Some(admin.elsewhere()?.proxy(&proxy()).await?)
            } else {
                None
            };
            let path = bound
                .path
                .replace("{backlink}", &backlink.to_string())
                .replace("{account}", &account.to_string())
                .replace("{proxy}", &fresh.unwrap_or(kept).to_string())
                .replace("{well}", &fresh.unwrap_or(kept).to_string())
                .replace("{missing}", "9007199254740991");
            cost_of(&stack, "worker-records", bound.request(&admin, &worker, &path)?, bound.status).await
        })
        .await
        .context(bound.what)?;
        let cold = bound.by.cold();
        let opens_seals = bound.path.starts_with("/proxies") && !matches!(bound.by, By::Nobody);
        let cold = if opens_seals { cold.plus(&DATA_KEYS) } else { cold };
        faults.extend(over(bound.what, &costs, &cost, &cold)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
