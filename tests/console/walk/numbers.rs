//! What the APIs tell of what stands on the walk's pages: jobs by kind and state, credentials, compute units, runs. Of the whole stack's jobs, which no API
//! tells together, what `tallies` has counted.

use anyhow::Context;
use drover_tests::scraper::Pool;
use drover_tests::video::VideoClient;
use drover_tests::{Stack, User};
use serde_json::{Map, Value as Json, json};
use table::Clock;
use tallies::{JobTally, Kind, Tallies};

/// The words that pages and APIs have for where jobs stand.
const STATES: [&str; 5] = ["pending", "running", "completed", "failed", "cancelled"];

/// Whose numbers are told.
pub(super) struct Numbers {
    pub stack: Stack,
    /// Who has tasks.
    pub user: User,
    /// Who has video jobs, and a schedule.
    pub client: VideoClient,
    pub schedule: String,
    pub pool: Pool,
}

/// How many of these jobs are in each state.
fn by_state(jobs: &Json) -> anyhow::Result<[usize; 5]> {
    let jobs = jobs.as_array().context("no list")?;
    Ok(STATES.map(|state| jobs.iter().filter(|job| job["status"] == state).count()))
}

/// What the usage page tells of jobs.
fn ended([pending, running, completed, failed, cancelled]: [usize; 5]) -> Json {
    json!({
        "Not ended": (pending + running).to_string(),
        "Completed": completed.to_string(),
        "Failed": failed.to_string(),
        "Cancelled": cancelled.to_string(),
    })
}

impl Numbers {
    /// What must stand on which page now: `facts` by their names, `tiles` by theirs, cells of `tables` by caption, row and column, how many `rows` a list has.
    pub(super) async fn now(&self) -> anyhow::Result<Json> {
        let Self { user, client, pool, schedule, .. } = self;
        let mut pages = vec![self.overview().await?];

        let [total, available, in_use, cooldown, failed, disabled] = pool.counts().await?;
        pages.push(json!({"path": format!("/credentials?platform={}", pool.platform), "rows": total.to_string()}));
        for (status, number) in [
            ("available", available),
            ("in_use", in_use),
            ("cooldown", cooldown),
            ("failed", failed),
            ("disabled", disabled),
        ] {
            let path = format!("/credentials?platform={}&status={status}", pool.platform);
            pages.push(json!({"path": path, "rows": number.to_string()}));
        }

        let tasks = by_state(&user.get("/tasks").await?)?;
        let mut facts = ended(tasks);
        let left = user.get("/analytics/dashboard").await?["compute_units_remaining"].as_i64();
        facts["Compute units left"] = json!(left.context("no units")?.to_string());
        pages.push(json!({"path": format!("/usage?kind=extract&tenant={}", user.id), "facts": facts}));
        let jobs = by_state(&client.get("/jobs?limit=200").await?)?;
        pages.push(json!({"path": format!("/usage?kind=video&tenant={}", client.tenant), "facts": ended(jobs)}));
        for (kind, tenant, numbers) in [("extract", &user.id, tasks), ("video", &client.tenant, jobs)] {
            for (state, number) in STATES.into_iter().zip(numbers) {
                let path = format!("/jobs?kind={kind}&tenant={tenant}&status={state}");
                pages.push(json!({"path": path, "rows": number.to_string()}));
            }
        }

        let told = client.get(&format!("/scheduled-jobs/{schedule}")).await?;
        let runs = format!(
            "{} started: {} completed, {} failed, {} cancelled; {} skipped",
            told["total_runs"],
            told["successful_runs"],
            told["failed_runs"],
            told["cancelled_runs"],
            told["skipped_runs"]
        );
        let often = format!("every {} minutes", told["interval_minutes"]);
        pages.push(json!({
            "path": format!("/schedules/video/{schedule}?tenant={}", client.tenant),
            "facts": {"Runs": runs, "How often": often},
        }));
        Ok(json!(pages))
    }

    /// The first page: all jobs as they are counted, and the pool as its API tells of it.
    async fn overview(&self) -> anyhow::Result<Json> {
        let overview = Tallies::new(self.stack.table("tallies"), Clock::system()).overview().await?;
        let row = |tally: &JobTally| {
            let kind = match tally.kind {
                Kind::Extract => "Extraction tasks",
                Kind::Portal => "Portal jobs",
                Kind::Video => "Video jobs",
                Kind::Videos => "Videos of video jobs",
                Kind::Credentials => "Credentials",
            };
            let cells = json!({
                "Waiting": tally.waiting.to_string(),
                "Resting": tally.resting.to_string(),
                "Running": tally.running.to_string(),
                "Completed": tally.completed.to_string(),
                "Failed": tally.failed.to_string(),
                "Cancelled": tally.cancelled.to_string(),
            });
            (kind.to_owned(), cells)
        };
        let sum = |of: fn(&JobTally) -> u64| {
            let jobs = overview.jobs.iter().filter(|tally| tally.kind != Kind::Videos);
            jobs.map(of).sum::<u64>().to_string()
        };
        let [_, available, in_use, cooldown, failed, disabled] = self.pool.counts().await?;
        let pool = json!({
            "Available": available.to_string(),
            "In use": in_use.to_string(),
            "Cooling down": cooldown.to_string(),
            "Failed": failed.to_string(),
            "Disabled": disabled.to_string(),
        });
        Ok(json!({
            "path": "",
            "tiles": {"Running": sum(|tally| tally.running), "Waiting": sum(|tally| tally.waiting), "Failed": sum(|tally| tally.failed)},
            "tables": {
                "Jobs of each kind, by state": overview.jobs.iter().map(row).collect::<Map<_, _>>(),
                "Credentials of each platform, by state": {&self.pool.platform: pool},
            },
        }))
    }
}
