//! `/cpcb`.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::portal::PortalClient;
use jobs::{Lost, Progress};
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Update};
use uuid::Uuid;

/// The ids of a list of jobs.
fn ids(jobs: &Json) -> Vec<&str> {
    jobs.as_array().into_iter().flatten().filter_map(|job| job["job_id"].as_str()).collect()
}

/// Whether this is a time as the contract shows it: `2023-07-01T12:00:00`.
fn is_time(time: &Json) -> bool {
    time.as_str().is_some_and(|text| text.len() == 19 && table::Millis::parse(text).is_some())
}

#[tokio::test]
async fn each_portals_scraper_is_started_as_the_contract_shows_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.unheard_portal_client().await?;
    for (portal, message) in [
        (Portal::Pwmr, "PWM Scraper Started!"),
        (Portal::Bwmr, "BWM Scraper Started!"),
        (Portal::Ewmr, "EWM Scraper Started!"),
    ] {
        let account = stack.portal_account(&client.tenant, portal).await?;
        let path = format!("/cpcb/{}?user_email={}", portal.as_str(), account.email.to_uppercase());
        let started = client.call(Method::POST, &path).await?.success(200)?;
        ensure!(started["message"] == message, "{started}");
        let id = started["job_id"].as_str().context("no id")?;
        let job = client.get(&format!("/cpcb/queue/job/{id}")).await?;
        let expected = json!({
            "job_id": id, "email": account.email, "status": "queued", "message": "Job successfully queued",
            "created_at": job["created_at"], "updated_at": job["updated_at"], "entity_name": null, "worker": null,
            "portal": portal, "files": [],
        });
        ensure!(job == expected && is_time(&job["created_at"]) && is_time(&job["updated_at"]), "{job}");
    }
    ensure!(ids(&client.get("/cpcb/queue").await?).len() == 3);
    Ok(())
}

#[tokio::test]
async fn an_address_without_an_account_at_the_portal_is_a_404() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let others = stack.portal_account(&stack.portal_client().await?.tenant, Portal::Pwmr).await?;
    for path in [
        "/cpcb/pwmr?user_email=nobody@example.com".to_owned(),
        "/cpcb/pwmr?user_email=%00".to_owned(),
        format!("/cpcb/pwmr?user_email={}", "a".repeat(300)),
        // It is one of another portal, or of another tenant.
        format!("/cpcb/bwmr?user_email={}", account.email),
        format!("/cpcb/pwmr?user_email={}", others.email),
    ] {
        let told = client.call(Method::POST, &path).await?.portal_error(404)?;
        ensure!(told == "Invalid user email.", "{path}: {told}");
    }
    client.call(Method::POST, "/cpcb/pwmr").await?.portal_error(400)?;
    client.call(Method::POST, "/cpcb/pwmr?user_email=").await?.portal_error(400)?;
    ensure!(client.get("/cpcb/queue").await? == json!([]));
    Ok(())
}

#[tokio::test]
async fn a_job_is_shown_as_its_worker_says() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Ewmr).await?;
    let told = async |id: Uuid| {
        let job = client.get(&format!("/cpcb/queue/job/{id}")).await?;
        let of = |field: &str| job[field].as_str().map(str::to_owned);
        anyhow::Ok((
            of("status").unwrap_or_default(),
            of("message").unwrap_or_default(),
            of("worker"),
            of("entity_name"),
        ))
    };
    let text = |text: &str| Some(text.to_owned());
    let job = desk.jobs.create(&account).await?;
    let mut run = desk.begin(&job).await?;
    ensure!(told(job.id).await? == ("running".to_owned(), "Scrape is running".to_owned(), text("worker-1"), None));
    let more =
        Update::new().set("message", "Page 3 of 12").set("entity_name", "Example Entity").set("worker", "worker-1");
    run.record_with(Progress { percent: 25, units_used: 0 }, more, Vec::new()).await?;
    let expected = ("running".to_owned(), "Page 3 of 12".to_owned(), text("worker-1"), text("Example Entity"));
    ensure!(told(job.id).await? == expected, "{:?}", told(job.id).await?);
    run.complete_with(Update::new().remove("message"), Vec::new(), Vec::new()).await?;
    let expected =
        ("completed".to_owned(), "Scrape completed successfully".to_owned(), text("worker-1"), text("Example Entity"));
    ensure!(told(job.id).await? == expected, "{:?}", told(job.id).await?);

    let job = desk.jobs.create(&account).await?;
    desk.begin(&job).await?.fail_with("Error during login", Update::new(), Vec::new(), Vec::new()).await?;
    let (status, message, ..) = told(job.id).await?;
    ensure!((status.as_str(), message.as_str()) == ("failed", "Error during login"), "{status} {message}");
    Ok(())
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let clock = Clock::fake(Clock::system().now());
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(clock.clone()).await?);
    let (plastic, battery) = (
        stack.portal_account(&client.tenant, Portal::Pwmr).await?,
        stack.portal_account(&client.tenant, Portal::Bwmr).await?,
    );
    let (mut all, mut of_plastic) = (Vec::new(), Vec::new());
    for number in 0..7 {
        let job = desk.jobs.create(if number % 2 == 0 { &plastic } else { &battery }).await?;
        all.insert(0, job.id.to_string());
        if number % 2 == 0 {
            of_plastic.insert(0, job.id.to_string());
        }
        clock.advance(Duration::from_millis(5));
    }
    for (path, expected) in [("/cpcb/queue", &all), ("/pwmr/jobs", &of_plastic)] {
        let whole = client.call(Method::GET, path).await?;
        ensure!(whole.header("link").is_none() && ids(&whole.success(200)?) == *expected, "{path}: {whole:?}");
        for limit in [1, 3, 4, 7] {
            ensure!(walk(&client, path, limit).await? == *expected, "{path} by {limit}");
        }
    }
    Ok(())
}

/// All jobs of a list, as the header `Link` leads from page to page.
async fn walk(client: &PortalClient, path: &str, limit: usize) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut query = format!("?limit={limit}");
    for _ in 0..20 {
        let answer = client.call(Method::GET, &format!("{path}{query}")).await?;
        let page = answer.success(200)?;
        ensure!(ids(&page).len() <= limit, "a page of {} jobs", ids(&page).len());
        found.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(link) = answer.header("link") else { return Ok(found) };
        let next = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
        next.context("another form of link")?.clone_into(&mut query);
    }
    anyhow::bail!("the pages do not end")
}

#[tokio::test]
async fn a_deleted_job_is_gone_and_one_that_runs_is_cancelled() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let (queued, running, ended) =
        (desk.jobs.create(&account).await?, desk.jobs.create(&account).await?, desk.jobs.create(&account).await?);
    let mut run = desk.begin(&running).await?;
    desk.begin(&ended).await?.complete_with(Update::new(), Vec::new(), Vec::new()).await?;
    for job in [&queued, &running, &ended] {
        let path = format!("/cpcb/queue/job/{}", job.id);
        let told = client.call(Method::DELETE, &path).await?.success(200)?;
        ensure!(told == json!({"status": "success", "message": "Job deleted successfully"}), "{told}");
        client.call(Method::DELETE, &path).await?.portal_error(404)?;
        client.call(Method::GET, &path).await?.portal_error(404)?;
    }
    ensure!(client.get("/cpcb/queue").await? == json!([]));
    // Whoever is at it is told with their next step, and nobody begins what was deleted.
    let step = run.record_with(Progress { percent: 50, units_used: 0 }, Update::new(), Vec::new()).await;
    ensure!(matches!(step, Err(Lost::Superseded(_))), "{step:?}");
    ensure!(desk.next(&queued).await?.is_none(), "what was deleted was begun");
    Ok(())
}

#[tokio::test]
async fn what_runs_at_once_is_bounded_and_a_deleted_job_makes_room() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // Whoever deletes a job tells the queue that there is room: the stack's own scraper is not to be quicker.
    let (client, desk) = (stack.unheard_portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let first = desk.jobs.create(&account).await?;
    for _ in 0..3 {
        desk.jobs.create(&account).await?;
    }
    let (one, two) = (desk.next(&first).await?, desk.next(&first).await?);
    let begun: Vec<_> = one.iter().chain(&two).map(|(_, job)| job.id).collect();
    ensure!(begun.len() == 2 && desk.next(&first).await?.is_none(), "two slots: {begun:?}");
    client.call(Method::DELETE, &format!("/cpcb/queue/job/{}", begun[0])).await?.success(200)?;
    let next = desk.next(&first).await?;
    ensure!(next.is_some_and(|(_, job)| !begun.contains(&job.id)), "no room was made");
    Ok(())
}

#[tokio::test]
async fn of_many_who_delete_a_job_at_once_one_has_done_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let account = stack.portal_account(&client.tenant, Portal::Pwmr).await?;
    let job = desk.jobs.create(&account).await?;
    let _run = desk.begin(&job).await?;
    let path = format!("/cpcb/queue/job/{}", job.id);
    let all = futures::future::try_join_all((0..8).map(|_| client.call(Method::DELETE, &path))).await?;
    let mut statuses: Vec<_> = all.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    ensure!(statuses == [200, 404, 404, 404, 404, 404, 404, 404], "{statuses:?}");
    let counted: Option<jobs::Account> = stack.table("portal").get(&job.account).await?;
    let counted = counted.context("no account")?;
    ensure!((counted.jobs_open, counted.jobs_cancelled) == (0, 0), "{counted:?}");
    ensure!(counted.slots.slots_free == counted.slots.slots, "a slot was lost: {counted:?}");
    Ok(())
}
