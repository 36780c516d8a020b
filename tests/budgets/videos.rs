//! The cost of a video job as a whole in the scraper, and of the scheduler's minute.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::platform::PlatformStandIn;
use drover_tests::second_engine::SecondEngine;
use drover_tests::video::order;
use drover_tests::video_platform::{Kind, Posted};
use drover_tests::{Stack, eventually};
use reqwest::Method;
use serde_json::json;
use table::cost::metered;
use table::{Clock, Millis, new_id};
use videos::{NewSchedule, Schedules, VideoJobs};

use super::cost::{Cost, one_is_within};
use super::tasks::costs_of;

/// What a job of so many videos may cost, from its first message to its last, Google Drive's requests among the others: the first video of a source,
/// with all folders on its way; and four, of which one is there already. The three others are worked on at once, and find each other in the way more or
/// less often: 98 to 105 requests were seen.
const JOBS: [(u64, Cost); 2] = [(1, Cost::new(47, 18.5, 111.0, 24)), (4, Cost::new(105, 51.5, 275.0, 25))];
/// How often each is measured: on a busy machine a video may take so long that its lease is renewed.
const RUNS: usize = 3;

/// How many requests of DynamoDB the scheduler makes when so many schedules are due: what is due, what is deleted, and that it has run; those that are due
/// as they are now; and three for each, whose tenant has had no job before.
const MINUTES: [(u32, u32); 3] = [(0, 3), (1, 7), (5, 19)];

#[tokio::test]
async fn a_whole_video_job_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, platform) = (stack.video_client().await?, PlatformStandIn::from_environment()?);
    let mut sources = Vec::new();
    for _ in 0..RUNS {
        let name = format!("p{}", new_id(Clock::system().now()).simple());
        sources.push((stack.drive_folder(&name).await?, name));
    }
    for (videos, bound) in JOBS {
        let (bound, messages) = (bound.measurable_on(&stack), usize::try_from(videos)? + 2);
        let (since, mut jobs) = (Clock::system().now(), Vec::new());
        for (folder, name) in &sources {
            platform.post(Kind::Profile, name, &Posted::videos(videos)).await?;
            let order = json!({"mode": "profile", "value": name, "drive_folder_id": folder.id});
            let job = client.send(Method::POST, "/jobs", &order).await?.success(201)?;
            let job = job["id"].as_str().context("no id")?.to_owned();
            eventually("the job has ended", async || {
                let told = client.get(&format!("/jobs/{job}")).await?;
                Ok((told["job"]["status"] == "completed").then_some(()))
            })
            .await?;
            jobs.push(job);
        }
        let costs = costs_of(&stack, "video-scraper", since, &jobs, messages).await?;
        println!("{videos} videos: {costs:?}");
        ensure!(one_is_within(&costs, &bound), "{videos} videos: {costs:?} is more than {bound:?}");
    }
    Ok(())
}

/// On an engine with a table of its own, where nobody else's schedules are due; which counts units otherwise: it is about requests.
#[tokio::test]
async fn a_minute_of_the_scheduler_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut faults = Vec::new();
    for (due, bound) in MINUTES {
        let clock = Clock::fake(Clock::system().now());
        let mut jobs = stack.studio(clock.clone()).await?.jobs.jobs;
        jobs.table = SecondEngine::of(&stack).await?.fresh("video").await?;
        let jobs = VideoJobs::new(jobs, 2, 3);
        let schedules = Schedules::new(jobs.clone());
        for number in 0..due {
            let new = NewSchedule { name: format!("{number}"), order: order("a"), interval_minutes: 5, enabled: true };
            schedules.create(&format!("tenant-{number}"), new).await?;
        }
        clock.advance(Duration::from_mins(5));
        let far = Millis(u64::MAX);
        let minute = async { tokio::join!(schedules.start_due(far), jobs.clear_deleted(far), jobs.beat()) };
        let (ran, cost) = metered(Box::pin(minute)).await;
        let started = ran.0?;
        println!("{due} due: {started:?} {cost:?}");
        faults.extend((cost.dynamodb_requests > bound).then(|| format!("{due} due: {cost:?}")));
    }
    ensure!(faults.is_empty(), "over budget: {faults:?}");
    Ok(())
}
