//! The cost of a video job as a whole in the scraper, and of the scheduler's minute.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::platform::PlatformStandIn;
use drover_tests::second_engine::SecondEngine;
use drover_tests::video::order;
use drover_tests::video_platform::{Kind, Posted};
use reqwest::Method;
use serde_json::json;
use table::cost::metered;
use table::{Clock, Millis, new_id};
use videos::{NewSchedule, VideoJobs};

use super::cost::{Cost, least};
use super::tasks::cost_of;

/// What a job of so many videos may cost, from its first message to its last: to list it and to put it together, and for each video.
const JOBS: [(u64, Cost); 2] = [(1, Cost::new(0, 0.0, 0.0, 0)), (3, Cost::new(0, 0.0, 0.0, 0))];
/// How often each is measured: on a busy machine a video may take so long that its lease is renewed.
const RUNS: usize = 3;

/// How many requests the scheduler makes when nothing is due: schedules, deletions, and that it has run.
const NOTHING_DUE: u32 = 3;
/// How many more for each schedule whose run it starts.
const A_RUN: u32 = 2;

#[tokio::test]
async fn a_whole_video_job_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, platform) = (stack.video_client().await?, PlatformStandIn::from_environment()?);
    for (videos, bound) in JOBS {
        let (bound, messages) = (bound.measurable_on(&stack), usize::try_from(videos)? + 2);
        let mut costs = Vec::new();
        for _ in 0..RUNS {
            let since = Clock::system().now();
            let name = format!("p{}", new_id(since).simple());
            platform.post(Kind::Profile, &name, &Posted::videos(videos)).await?;
            let order =
                json!({"mode": "profile", "value": name, "drive_folder_id": stack.drive_folder(&name).await?.id});
            let job = client.send(Method::POST, "/jobs", &order).await?.success(201)?;
            costs.push(cost_of(&stack, "video-scraper", since, job["id"].as_str().context("no id")?, messages).await?);
        }
        let least = least(&costs).context("no costs")?;
        println!("{videos} videos: {least}");
        ensure!(least.is_within(&bound), "{videos} videos: {costs:?} is more than {bound:?}");
    }
    Ok(())
}

/// On an engine with a table of its own, where nobody else's schedules are due; which counts units otherwise: it is about requests.
#[tokio::test]
async fn a_minute_of_the_scheduler_is_within_its_budget() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let clock = Clock::fake(Clock::system().now());
    let mut jobs = stack.studio(clock.clone()).await?.jobs.jobs;
    jobs.table = SecondEngine::of(&stack).await?.fresh("video").await?;
    let jobs = VideoJobs::new(jobs, 2, 3);
    let schedules = videos::Schedules::new(jobs.clone());
    for due in [0_u32, 1, 5] {
        for number in 0..due {
            let new = NewSchedule { name: format!("{number}"), order: order("a"), interval_minutes: 5, enabled: true };
            schedules.create(&format!("tenant-{due}-{number}"), new).await?;
        }
        clock.advance(std::time::Duration::from_mins(5));
        let far = Millis(u64::MAX);
        let (ran, cost) =
            metered(async { tokio::join!(schedules.start_due(far), jobs.clear_deleted(far), jobs.beat()) }).await;
        let started = ran.0?;
        println!("{due} due: {started:?} {cost:?}");
        ensure!(cost.dynamodb_requests <= NOTHING_DUE + A_RUN * due, "{due} due: {cost:?}");
    }
    Ok(())
}
