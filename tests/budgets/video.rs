//! The cost of one request at each endpoint of the video jobs: what a warm function is measured to need, and no more.
//!
//! Each request takes a token from its key's bucket: one write unit in each cost. A function that has not seen the key, or not what others have
//! taken from its bucket, needs a request more for each. What a `BatchGetItem` reads the emulator does not tell: DynamoDB charges a unit for each job
//! or video of a page.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::video::{Studio, VideoClient, order};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;

use super::cost::Cost;
use super::requests::{cost_of, measured, over};

/// What a function costs more that knows neither the key nor its bucket.
pub(super) const COLD: Cost = Cost::new(2, 0.5, 0.0, 0);
/// How many requests go before.
const WARMING: usize = 8;

/// What a path's `{…}` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Nothing,
    /// A job that waits.
    Waiting,
    /// A job that has ended with two videos.
    Ended,
    /// A video that failed, of a job that has ended.
    Failed,
    /// A video that is stored.
    Stored,
    /// A schedule.
    Schedule,
}

pub(super) struct Bound {
    what: &'static str,
    function: &'static str,
    method: Method,
    path: &'static str,
    thing: Thing,
    body: Option<Json>,
    status: u16,
    cost: Cost,
}

impl Bound {
    fn jobs(what: &'static str, method: Method, path: &'static str, thing: Thing, status: u16, cost: Cost) -> Self {
        Self { what, function: "video-jobs", method, path, thing, body: None, status, cost }
    }

    fn schedules(
        what: &'static str,
        method: Method,
        path: &'static str,
        thing: Thing,
        status: u16,
        cost: Cost,
    ) -> Self {
        Self { function: "video-schedules", ..Self::jobs(what, method, path, thing, status, cost) }
    }

    /// What the row is about.
    pub(super) fn endpoint(&self) -> (String, &'static str) {
        (self.method.to_string(), self.path)
    }

    fn sending(self, body: Json) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Every endpoint.
pub(super) fn bounds() -> Vec<Bound> {
    use Thing::{Ended, Failed, Nothing, Schedule, Stored, Waiting};
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let job = json!({"mode": "profile", "value": "khaby.lame"});
    let schedule = json!({"name": "A", "mode": "profile", "value": "khaby.lame", "interval_minutes": 5});
    //                                                                                  DynamoDB, read, written, others
    vec![
        Bound::jobs("video job", post.clone(), "/jobs", Nothing, 201, Cost::new(2, 0.0, 13.0, 1)).sending(job),
        Bound::jobs("wrong video job", post.clone(), "/jobs", Nothing, 422, Cost::new(1, 0.0, 1.0, 0))
            .sending(json!({})),
        Bound::jobs("video jobs", get.clone(), "/jobs", Ended, 200, Cost::new(3, 1.0, 1.0, 0)),
        Bound::jobs("that wait", get.clone(), "/jobs?status=pending", Waiting, 200, Cost::new(3, 1.0, 1.0, 0)),
        Bound::jobs("show job", get.clone(), "/jobs/{id}", Ended, 200, Cost::new(4, 3.0, 1.0, 0)),
        Bound::jobs("cancel job", post.clone(), "/jobs/{id}/cancel", Waiting, 200, Cost::new(5, 3.0, 13.0, 0)),
        Bound::jobs("delete job", delete.clone(), "/jobs/{id}", Ended, 204, Cost::new(9, 4.0, 31.0, 0)),
        Bound::jobs("videos", get.clone(), "/videos?limit=2", Ended, 200, Cost::new(5, 2.5, 1.0, 0)),
        Bound::jobs("by filter", get.clone(), "/videos?value=a&status=failed", Ended, 200, Cost::new(3, 0.5, 1.0, 0)),
        Bound::jobs("show video", get.clone(), "/videos/{id}", Stored, 200, Cost::new(3, 1.5, 1.0, 0)),
        Bound::jobs("retry video", post.clone(), "/videos/{id}/retry", Failed, 200, Cost::new(9, 6.5, 25.0, 1)),
        Bound::jobs("delete video", delete.clone(), "/videos/{id}", Stored, 204, Cost::new(5, 2.5, 11.0, 0)),
        Bound::jobs("video stats", get.clone(), "/stats", Nothing, 200, Cost::new(3, 2.0, 1.0, 0)),
        Bound::jobs("video health", get.clone(), "/stats/health", Nothing, 200, Cost::new(2, 0.5, 1.0, 0)),
        Bound::schedules("schedule", post.clone(), "/scheduled-jobs", Nothing, 201, Cost::new(2, 0.0, 7.0, 0))
            .sending(schedule),
        Bound::schedules("schedules", get.clone(), "/scheduled-jobs", Schedule, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::schedules("show schedule", get, "/scheduled-jobs/{id}", Schedule, 200, Cost::new(2, 1.0, 1.0, 0)),
        Bound::schedules("rename it", Method::PATCH, "/scheduled-jobs/{id}", Schedule, 200, Cost::new(4, 2.0, 2.0, 0))
            .sending(json!({"name": "B"})),
        Bound::schedules("toggle it", post, "/scheduled-jobs/{id}/toggle", Schedule, 200, Cost::new(4, 2.0, 7.0, 0)),
        Bound::schedules("delete schedule", delete, "/scheduled-jobs/{id}", Schedule, 204, Cost::new(3, 1.0, 7.0, 0)),
    ]
}

/// Makes what a request is about, and gives its id.
async fn make(client: &VideoClient, studio: &Studio, thing: Thing) -> anyhow::Result<String> {
    let name = format!("{}", fastrand::u64(..));
    Ok(match thing {
        Thing::Nothing => String::new(),
        Thing::Waiting => studio.jobs.create(&client.tenant, order("a")).await?.job.id.to_string(),
        Thing::Ended | Thing::Failed | Thing::Stored => {
            let (fails, works) = (format!("{name}1"), format!("{name}2"));
            let job = studio.listed(&client.tenant, "a", &[&fails, &works]).await?;
            studio.work_through(&job, &[&fails]).await?;
            match thing {
                Thing::Failed => fails,
                Thing::Stored => works,
                _ => job.id.to_string(),
            }
        }
        Thing::Schedule => {
            let made = client.schedule(&name, 5).await?;
            made["id"].as_str().context("no id")?.to_owned()
        }
    })
}

#[tokio::test]
async fn every_endpoint_of_video_jobs_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let studio = stack.studio(Clock::system()).await?;
    let mut faults = Vec::new();
    for bound in &bounds() {
        let cost = bound.cost.measurable_on(&stack);
        let costs = measured(&cost, async || {
            // A tenant for each: what it has is what the request is about.
            let client = stack.video_client().await?;
            studio.jobs.create(&client.tenant, order("first")).await?;
            let id = Box::pin(make(&client, &studio, bound.thing)).await?;
            let warm = if bound.function == "video-jobs" { "/stats/health" } else { "/scheduled-jobs?enabled=false" };
            for _ in 0..WARMING {
                client.get(warm).await?;
            }
            let request = client.request(bound.method.clone(), &bound.path.replace("{id}", &id)).await?;
            let request = match &bound.body {
                Some(body) => request.json(body),
                None => request,
            };
            cost_of(&stack, bound.function, request, bound.status).await
        })
        .await?;
        faults.extend(over(bound.what, &costs, &cost, &COLD)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
