//! What there is on the stack for the walk: one of everything, the pages on which it stands, and what is done to it.

use anyhow::Context;
use drover_tests::monitor::{Monitor, Shop};
use drover_tests::scraper::Pool;
use drover_tests::site::Site;
use drover_tests::video::{Studio, order};
use drover_tests::{Stack, User, id_of};
use jobs::{DeadLetter, DeadLetters};
use portals::Portal;
use serde_json::{Value as Json, json};
use table::{Clock, new_id};
use videos::VideoJob;

use super::numbers::Numbers;

/// What is imported by the form, and must never be shown.
const SECRET: &str = "s3cret-of-the-walk";
/// What a name holds that would show on a page that does not see to it.
const HOSTILE: &str = "<img src=x onerror=alert(1)> \u{202e}eman";

/// What was made.
pub(super) struct Scene {
    /// The pages, and what is done on them.
    pub plan: Json,
    /// Whose numbers stand on the pages.
    pub numbers: Numbers,
    /// What a monitor watches, as long as this is kept.
    pub shop: Shop,
}

/// Where a job's page is.
pub(super) fn page_of(job: &VideoJob) -> String {
    format!("/jobs/video/{}?tenant={}", job.id, job.tenant)
}

/// A letter that says this.
async fn letter(stack: &Stack, body: String) -> anyhow::Result<String> {
    let now = Clock::system().now();
    let letter = DeadLetter {
        queue: "video".to_owned(),
        message_id: new_id(now).to_string(),
        body,
        sent_at: now,
        verdict: format!("its job was failed: {HOSTILE}"),
        redriven_at: None,
    };
    DeadLetters::new(stack.table("events")).keep(&letter).await?;
    Ok(letter.id().to_string())
}

/// The pages of a task that went well and of one that did not.
async fn tasks(user: &User) -> anyhow::Result<[String; 2]> {
    let site = Site::of([("/page", "<p class=t>One</p>".to_owned())]).await?;
    let mut pages = [const { String::new() }; 2];
    for (page, path) in pages.iter_mut().zip(["/page", "/nothing"]) {
        let task = user.create_task(json!({"urls": [site.url(path)], "selectors": {"title": ".t"}})).await?;
        user.ended(&task).await?;
        *page = format!("/jobs/extract/{}?tenant={}", id_of(&task)?, user.id);
    }
    Ok(pages)
}

/// Video jobs, by what is to become of each.
struct VideoJobs {
    parted: VideoJob,
    cancelled: VideoJob,
    unscripted: VideoJob,
    retried: VideoJob,
    buried: VideoJob,
}

async fn video_jobs(studio: &Studio, tenant: &str, name: &str) -> anyhow::Result<VideoJobs> {
    let (lost, done) = (format!("{name}1"), format!("{name}2"));
    let parted = studio.listed(tenant, HOSTILE, &[&lost, &done]).await?;
    Box::pin(studio.work_through(&parted, &[&lost])).await?;
    let waiting = async |what: &str| Ok::<_, anyhow::Error>(studio.jobs.create(tenant, order(what)).await?.job);
    let (cancelled, unscripted) = (waiting("to be cancelled").await?, waiting("to be cancelled too").await?);
    let (retried, buried) = (waiting("to be retried").await?, waiting("to be redriven").await?);
    for job in [&retried, &buried] {
        studio.jobs.jobs.give_up(&job.key, &format!("given up by a test: {HOSTILE}")).await?;
    }
    Ok(VideoJobs { parted, cancelled, unscripted, retried, buried })
}

/// A pool, and the numbers of one credential that is held, of one that has failed and of one that is free.
async fn credentials(stack: &Stack) -> anyhow::Result<(Pool, [u64; 3])> {
    let mut pool = stack.pool(4).await?;
    pool.import(&[json!({"name": HOSTILE, "email": "x@example.com", "password": "x"})]).await?;
    let held = pool.scraper.claim_one(&pool.platform).await?.id;
    for (minutes, error) in [(60, "rate limited"), (0, HOSTILE)] {
        let claimed = pool.scraper.claim_one(&pool.platform).await?;
        let failure = json!({"error_message": error, "cooldown_minutes": minutes});
        pool.scraper.report(claimed.id, "failure", Some(claimed.token), &failure).await?.success(200)?;
    }
    let failed = pool.listed("status=failed", 10).await?.into_iter().next().context("none has failed")?;
    let free = pool.ids[3];
    Ok((pool, [held, failed, free]))
}

/// Makes all of it.
pub(super) async fn scene(stack: &Stack) -> anyhow::Result<Scene> {
    let (user, shop) = (stack.user().await?, Shop::open("12.50").await?);
    let [good, bad] = tasks(&user).await?;
    let monitor = Monitor::create(stack.clone(), user.clone(), &shop.config(&user)).await?;
    let monitor = format!("/schedules/monitor/{}?tenant={}", monitor.rested(1).await?.id, user.id);
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let (tenant, name) = (&client.tenant, fastrand::u64(..).to_string());
    let VideoJobs { parted, cancelled, unscripted, retried, buried } =
        Box::pin(video_jobs(&studio, tenant, &name)).await?;
    let schedule_id = id_of(&client.schedule(HOSTILE, 60).await?)?.to_owned();
    let schedule = format!("/schedules/video/{schedule_id}?tenant={tenant}");
    let (portal, desk) = (stack.unheard_portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let portal = desk.jobs.create(&stack.portal_account(&portal.tenant, Portal::Pwmr).await?).await?;

    let (pool, [held, failed, free]) = credentials(stack).await?;
    let admin = stack.worker_administrator()?;
    admin.proxy(&json!({"host": format!("p{name}.example.com"), "port": 8080, "country": "DE"})).await?;
    let letters =
        [letter(stack, serde_json::to_string(&buried.key)?).await?, letter(stack, format!("no job: {HOSTILE}")).await?];
    stack.letter("webhooks", HOSTILE).await?;
    let campaign = admin.campaign().await?;
    let task = admin.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    stack.worker().await?.lock(task).await?;
    let credential = |id: u64| format!("/credentials/{id}");
    let action = |name: &str, path: &str, clicks: Json, told: &str| json!({"name": name, "path": path, "clicks": clicks, "told": told});
    let pool_page = format!("/credentials?platform={}", pool.platform);
    let plan = json!({
        "pages": [
            {"name": "overview", "path": "", "holds": ["Overview", "Video jobs", pool.platform]},
            {"name": "jobs-open", "path": "/jobs?kind=video"},
            {"name": "jobs-failed", "path": "/jobs?kind=video&status=failed", "holds": ["given up by a test"]},
            {"name": "jobs-of-tenant", "path": format!("/jobs?kind=video&tenant={tenant}"), "holds": ["to be retried", "<img src=x onerror"]},
            {"name": "jobs-unlistable", "path": "/jobs?kind=video&status=completed", "holds": ["name a tenant"]},
            {"name": "tasks-of-user", "path": format!("/jobs?kind=extract&tenant={}", user.id), "holds": ["completed", "failed"]},
            {"name": "task-completed", "path": good, "holds": ["completed", "100 %"]},
            {"name": "task-failed", "path": bad, "holds": ["failed"]},
            {"name": "job-in-parts", "path": page_of(&parted), "holds": ["Parts", "The video is gone"]},
            {"name": "portal-job", "path": format!("/jobs/portal/{}?tenant={}", portal.id, portal.tenant), "holds": ["pwmr"]},
            {"name": "worker-tasks", "path": "/worker-tasks"},
            {"name": "worker-tasks-open", "path": format!("/worker-tasks?status=open&campaign={campaign}"), "holds": ["comment"]},
            {"name": "worker-task", "path": format!("/worker-tasks/{task}"), "holds": ["running"]},
            {"name": "schedules", "path": "/schedules"},
            {"name": "schedules-monitors", "path": "/schedules?kind=monitor"},
            {"name": "schedule", "path": schedule, "holds": ["every 60 minutes"]},
            {"name": "monitor", "path": monitor, "holds": ["Price of tea"]},
            {"name": "dead-letters", "path": "/dead-letters?queue=video"},
            {"name": "dead-letter", "path": format!("/dead-letters/{}", letters[0]), "holds": ["its job was failed"]},
            {"name": "platforms", "path": "/credentials", "holds": [pool.platform]},
            {"name": "pool", "path": pool_page, "holds": ["In use", "Cooling down", "rate limited"]},
            {"name": "credential", "path": credential(held), "holds": [*pool.scraper.id]},
            {"name": "question", "path": format!("/credentials/{}/disable", held), "holds": ["Disable this credential?"]},
            {"name": "import", "path": "/credentials/import"},
            {"name": "proxies", "path": "/proxies", "holds": [format!("p{name}.example.com:8080")]},
            {"name": "usage-asked", "path": "/usage"},
            {"name": "usage", "path": format!("/usage?kind=extract&tenant={}", user.id), "holds": ["Compute units left", "Jobs a day"]},
            {"name": "audit", "path": "/audit"},
            {"name": "signed-in", "path": "/signed-in", "holds": ["This sign-in was not begun in this browser"]},
            {"name": "missing", "path": "/nothing", "status": 404, "holds": ["There is no such page"]},
            {"name": "unreadable", "path": "/jobs?kind=x", "status": 400, "holds": ["That cannot be read"]},
        ],
        "actions": [
            action("cancel", &page_of(&cancelled), json!([["link", "Cancel…"], ["button", "Cancel the job"]]), "The job was cancelled."),
            action("retry", &page_of(&retried), json!([["button", "Retry"]]), "The job waits for its turn again."),
            action("retry-part", &page_of(&parted), json!([["button", "Retry part 1"]]), "waits for its turn again."),
            action("release", &credential(held), json!([["link", "Take it back…"], ["button", "Take it back"]]), "was taken from its holder"),
            action("reset", &credential(failed), json!([["link", "Reset…"], ["button", "Reset it"]]), "is available again"),
            action("disable", &credential(free), json!([["link", "Disable…"], ["button", "Disable it"]]), "is disabled"),
            action("enable", &credential(free), json!([["link", "Enable…"], ["button", "Enable it"]]), "is enabled"),
            action("run", &schedule, json!([["button", "Run now"]]), "A run was started."),
            action("pause", &schedule, json!([["button", "Pause"]]), "The schedule is paused"),
            action("resume", &schedule, json!([["button", "Resume"]]), "The schedule is resumed."),
            action("pause-monitor", &monitor, json!([["button", "Pause"]]), "The schedule is paused"),
            action("resume-monitor", &monitor, json!([["button", "Resume"]]), "The schedule is resumed."),
            action("run-monitor", &monitor, json!([["button", "Run now"]]), "A run was started."),
            action("release-task", "/worker-tasks", json!([["link", format!("Release task {task}…")], ["button", "Take it back"]]), "was taken from its worker"),
            action("cancel-task", &format!("/worker-tasks/{task}"), json!([["link", "Cancel…"], ["button", "Cancel the task"]]), "The task was cancelled."),
            action("retry-task", &format!("/worker-tasks/{task}"), json!([["button", "Retry"]]), "can be locked again."),
            action("redrive", &format!("/dead-letters/{}", letters[0]), json!([["button", "Redrive"]]), "is taken up again"),
            action("purge", &format!("/dead-letters/{}", letters[1]), json!([["link", "Delete…"], ["button", "Delete the letter"]]), "Deleted: 1."),
            action("purge-queue", "/dead-letters?queue=webhooks", json!([["link", "Delete the newest 100…"], ["button", "Delete the letters"]]), "Deleted: "),
            action("proxy-off", "/proxies", json!([["link", format!("Switch off p{name}.example.com:8080…")], ["button", "Switch it off"]]), "is switched off"),
            action("proxy-on", "/proxies", json!([["button", format!("Switch on p{name}.example.com:8080")]]), "is switched on"),
        ],
        "refused": {"path": format!("/jobs/video/{}/cancel?tenant={tenant}", cancelled.id), "clicks": [["button", "Cancel the job"]], "told": "Nothing was done"},
        "import": {
            "platform": pool.platform,
            "wrong": format!("name,email\nNew,{SECRET}\n"),
            "text": format!("name,email,password\nNew,new@example.com,{SECRET}\n"),
            "secret": SECRET,
        },
        "unscripted": {"path": page_of(&unscripted), "clicks": [["link", "Cancel…"], ["button", "Cancel the job"]], "told": "The job was cancelled."},
    });
    let numbers = Numbers { stack: stack.clone(), user, client, schedule: schedule_id, pool };
    Ok(Scene { plan, numbers, shop })
}
