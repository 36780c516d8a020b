//! What is done by the console's pages: each action as a browser does it, from the page that offers it to the page that tells what came of it.

use anyhow::{Context, ensure};
use drover_tests::console::{Console, hidden_in, told_at};
use drover_tests::{Stack, eventually};
use jobs::{DeadLetter, DeadLetters};
use operations::{JobName, Kind};
use serde_json::json;
use table::{Clock, new_id};

/// Where a job's page is.
fn path_of(job: &JobName) -> String {
    format!("/jobs/{}/{}?tenant={}", job.kind.as_str(), job.id, job.tenant)
}

/// Where something is done to it.
fn act_of(job: &JobName, act: &str) -> String {
    format!("/jobs/{}/{}/{act}?tenant={}", job.kind.as_str(), job.id, job.tenant)
}

/// A job of videos that waits, whose message nobody gets.
async fn waiting(stack: &Stack) -> anyhow::Result<JobName> {
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.jobs.create(&client.tenant, drover_tests::video::order("nobody")).await?.job;
    JobName::new(Kind::Video, &client.tenant, job.id).context("no name")
}

/// That the audit log's first page says that this operator has done this.
async fn is_written_down(console: &Console, what: &str, on: &str) -> anyhow::Result<()> {
    let page = console.page("/audit").await?;
    let who = format!("{} ({})", console.email, console.user);
    let is_told = |row: &&str| row.contains(on) && row.contains(&who) && row.contains(&format!(">{what}<"));
    let row = page.split("<tr").find(|row| is_told(row) && row.contains(">done<"));
    row.with_context(|| format!("{what} on {on} by {who} is not in {page}")).map(drop)
}

#[tokio::test]
async fn a_job_is_found_by_its_id_and_cancelled_once_it_is_meant() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, job) = (stack.console().await?, waiting(&stack).await?);
    let found = console.get(&format!("/jobs/find?id=%20{}%20", job.id)).await?;
    ensure!(found.status == 303, "{}: {}", found.status, found.text()?);
    let page = console.page(&path_of(&job)).await?;
    ensure!(page.contains(">pending<") && page.contains("Cancel…") && page.contains(&job.id.to_string()), "{page}");
    let question = console.page(&act_of(&job, "cancel")).await?;
    ensure!(question.contains("Cancel this job?") && question.contains("method=\"post\""), "{question}");
    ensure!(console.page(&path_of(&job)).await?.contains(">pending<"), "to be asked has cancelled it");

    let page = console.done(&act_of(&job, "cancel"), &[]).await?;
    ensure!(page.contains("The job was cancelled.") && page.contains(">cancelled<"), "{page}");
    ensure!(!page.contains("Cancel…") && !page.contains(">Retry<"), "{page}");
    is_written_down(&console, "cancel job", &job.to_string()).await?;
    let again = console.send(&act_of(&job, "cancel"), &[]).await?;
    ensure!(again.status == 409 && again.text()?.contains("it had ended before"), "{}", again.text()?);
    let listed = console.page(&format!("/jobs?kind=video&tenant={}&status=cancelled", job.tenant)).await?;
    ensure!(listed.contains(&job.id.to_string()), "{listed}");
    Ok(())
}

#[tokio::test]
async fn a_failed_job_is_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, job) = (stack.console().await?, waiting(&stack).await?);
    let studio = stack.studio(Clock::system()).await?;
    let key = table::Key::new(format!("TENANT#{}", job.tenant), format!("JOB#{}", job.id));
    studio.jobs.jobs.give_up(&key, "<b>gone</b> \u{1b}[31m wrong").await?;
    let page = console.page(&path_of(&job)).await?;
    ensure!(page.contains("&lt;b&gt;gone&lt;/b&gt; ␛[31m wrong") && page.contains(">Retry<"), "{page}");
    let page = console.done(&act_of(&job, "retry"), &[]).await?;
    ensure!(page.contains("The job waits for its turn again.") && page.contains(">pending<"), "{page}");
    is_written_down(&console, "retry job", &job.to_string()).await
}

#[tokio::test]
async fn a_credential_is_seen_and_seen_to() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, pool) = (stack.console().await?, stack.pool(2).await?);
    let held = pool.scraper.claim_one(&pool.platform).await?;
    let path = format!("/credentials/{}", held.id);
    let listed = console.page(&format!("/credentials?platform={}&status=in_use", pool.platform)).await?;
    ensure!(listed.contains(&format!("credentials/{}\"", held.id)) && listed.contains(&*pool.scraper.id), "{listed}");

    for (act, question, told, state) in [
        ("release", "Take this credential from its holder?", "was taken from its holder", ">available<"),
        ("disable", "Disable this credential?", "is disabled", ">disabled<"),
        ("enable", "Enable this credential?", "is enabled", ">available<"),
    ] {
        let asked = console.page(&format!("{path}/{act}")).await?;
        ensure!(asked.contains(question), "{asked}");
        let page = console.answered(&format!("{path}/{act}")).await?;
        ensure!(page.contains(told) && page.contains(state), "{act}: {page}");
        is_written_down(&console, &format!("{act} credential"), &format!("credential/{}", held.id)).await?;
    }
    let claimed = pool.scraper.claim_one(&pool.platform).await?;
    let failure = json!({"error_message": "<i>banned</i>", "cooldown_minutes": 0});
    pool.scraper.report(claimed.id, "failure", Some(claimed.token), &failure).await?.success(200)?;
    let path = format!("/credentials/{}", claimed.id);
    ensure!(console.page(&path).await?.contains("&lt;i&gt;banned&lt;/i&gt;"), "why it failed is not shown");
    let page = console.done(&format!("{path}/reset"), &[]).await?;
    ensure!(page.contains("The credential is available again.") && page.contains(">available<"), "{page}");
    eventually("its trail tells of it", async || {
        let page = console.page(&path).await?;
        let trail = page.split_once("id=\"trail\"").context("no trail")?.1;
        Ok(trail.contains(&console.email).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_question_that_is_answered_late_takes_nothing_from_who_has_it_by_then() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, pool) = (stack.console().await?, stack.pool(1).await?);
    let held = pool.scraper.claim_one(&pool.platform).await?;
    let path = format!("/credentials/{}/release", held.id);
    let question = console.page(&path).await?;
    pool.scraper.report(held.id, "release", Some(held.token), &json!({})).await?.success(200)?;
    let next = pool.scraper.claim_one(&pool.platform).await?;
    let late = console.send(&path, &hidden_in(&question)).await?;
    ensure!(late.status == 409 && late.text()?.contains("somebody else has it now"), "{}", late.text()?);
    // It is told within the console, with a way back to what it was about.
    let back = format!("credentials/{}\">Back to the credential", held.id);
    ensure!(late.text()?.contains(&back) && late.text()?.contains("Sign out"), "{}", late.text()?);
    ensure!(console.send(&path, &[]).await?.status == 400, "of nobody knows which lease");
    pool.scraper.report(next.id, "heartbeat", Some(next.token), &json!({})).await?.success(200)?;
    Ok(())
}

#[tokio::test]
async fn credentials_are_imported_and_what_was_sent_is_not_shown_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, pool) = (stack.console().await?, stack.pool(0).await?);
    let form = console.page(&format!("/credentials/import?platform={}", pool.platform)).await?;
    ensure!(form.contains("<textarea"), "{form}");
    let id = hidden_in(&form).first().map(|(_, id)| (*id).to_owned()).context("no id")?;
    let fields = |text| [("id", id.as_str()), ("platform", pool.platform.as_str()), ("form", "csv"), ("text", text)];
    let wrong = console.send("/credentials/import", &fields("name,email\nOne,s3cret@example.com\n")).await?;
    let page = wrong.text()?;
    ensure!(wrong.status == 400 && page.contains("cannot be read") && !page.contains("s3cret"), "{page}");
    let text = "name,email,password\nOne & <b>only</b>,a@example.com,s3cret-1\nTwo,b@example.com,s3cret-2\n";
    let page = console.done("/credentials/import", &fields(text)).await?;
    ensure!(page.contains("Imported: 2.") && page.contains("One &amp; &lt;b&gt;only&lt;/b&gt;"), "{page}");
    ensure!(!page.contains("s3cret") && !page.contains("a@example.com"), "{page}");
    // The same form once more, as after an answer that never came.
    console.done("/credentials/import", &fields(text)).await?;
    ensure!(pool.counts().await?[0] == 2, "{:?}", pool.counts().await?);
    let other = console.send("/credentials/import", &fields("name,email,password\nThree,c@example.com,s\n")).await?;
    ensure!(other.status == 409 && other.text()?.contains("sent before"), "{}", other.text()?);
    is_written_down(&console, "import credentials", &format!("platform/{}", pool.platform)).await
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_and_run() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, client) = (stack.console().await?, stack.unheard_client().await?);
    stack.studio(Clock::system()).await?.jobs.create(&client.tenant, drover_tests::video::order("nobody")).await?;
    let schedule = client.schedule("Each <b>day</b>", 60).await?;
    let id = schedule["id"].as_str().context("no id")?;
    let path = |act: &str| format!("/schedules/video/{id}{act}?tenant={}", client.tenant);
    let page = console.page(&path("")).await?;
    ensure!(page.contains("Each &lt;b&gt;day&lt;/b&gt;") && page.contains("every 60 minutes"), "{page}");
    let page = console.done(&path("/pause"), &[]).await?;
    ensure!(page.contains(">paused<") && page.contains("The schedule is paused"), "{page}");
    let page = console.done(&path("/resume"), &[]).await?;
    ensure!(page.contains(">active<") && page.contains("The schedule is resumed."), "{page}");
    let page = console.done(&path("/run"), &[]).await?;
    ensure!(page.contains("A run was started.") && page.contains("Its job"), "{page}");
    let again = console.send(&path("/run"), &[]).await?;
    ensure!(again.status == 409, "{}: {}", again.status, again.text()?);
    is_written_down(&console, "run schedule", id).await
}

#[tokio::test]
async fn a_dead_letter_is_read_and_deleted() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let console = stack.console().await?;
    let now = Clock::system().now();
    let letter = DeadLetter {
        queue: "webhooks".to_owned(),
        message_id: new_id(now).to_string(),
        body: "<script>alert(1)</script>".to_owned(),
        sent_at: now,
        verdict: "written by a test".to_owned(),
        redriven_at: None,
    };
    DeadLetters::new(stack.table("events")).keep(&letter).await?;
    let (id, path) = (letter.id().to_string(), format!("/dead-letters/{}", letter.id()));
    ensure!(console.page("/dead-letters?queue=webhooks").await?.contains(&id), "it is not listed");
    let page = console.page(&path).await?;
    ensure!(page.contains("&lt;script&gt;alert(1)") && page.contains("written by a test"), "{page}");
    let impossible = console.send(&format!("{path}/redrive"), &[]).await?;
    ensure!(impossible.status == 409 && impossible.text()?.contains("it names no job"), "{}", impossible.text()?);
    ensure!(console.page(&format!("{path}/purge")).await?.contains("Delete this letter?"), "it is not asked");
    let page = console.done(&format!("{path}/purge"), &[]).await?;
    ensure!(page.contains("Deleted: 1.") && !page.contains(&id), "{page}");
    ensure!(console.get(&path).await?.status == 404, "it is there");
    is_written_down(&console, "purge letters", &id).await
}

/// What came after the question stays, whatever its place among the others.
#[tokio::test]
async fn only_the_letters_that_were_asked_about_are_deleted() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let console = stack.console().await?;
    let letters = DeadLetters::new(stack.table("events"));
    let now = Clock::system().now();
    let letter = |before: u64| DeadLetter {
        queue: "portal".to_owned(),
        message_id: new_id(now).to_string(),
        body: "{}".to_owned(),
        sent_at: table::Millis(now.0 - before),
        verdict: "written by a test".to_owned(),
        redriven_at: None,
    };
    let (newest, between, oldest, later) = (letter(0), letter(10), letter(20), letter(5));
    for each in [&newest, &between, &oldest] {
        letters.keep(each).await?;
    }
    let path = "/dead-letters/purge?queue=portal";
    let question = console.page(path).await?;
    ensure!(question.contains("Delete these letters?") && question.contains("sent from"), "{question}");
    letters.keep(&later).await?;
    let mut meant = hidden_in(&question);
    // Other tests' letters are none of this one's.
    let own: Vec<_> = [&newest, &between, &oldest].map(|letter| letter.id().to_string()).to_vec();
    ensure!(own.iter().all(|id| meant.iter().any(|(_, ids)| ids.contains(id))), "{meant:?}");
    let ids = own.join(" ");
    for field in &mut meant {
        field.1 = &ids;
    }
    let page = console.done(path, &meant).await?;
    ensure!(page.contains("Deleted: 3."), "{page}");
    for (letter, is_there) in [(&newest, false), (&between, false), (&oldest, false), (&later, true)] {
        ensure!(letters.get(&letter.id()).await?.is_some() == is_there, "{}", letter.id());
    }
    let other = console.send(path, &[("letters", &later.id().to_string().replace("portal", "video"))]).await?;
    ensure!(other.status == 400, "{}", other.status);
    letters.delete(&[later.id()]).await?;
    Ok(())
}

#[tokio::test]
async fn a_proxy_is_switched_off_and_on() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, worker) = (stack.console().await?, stack.worker_administrator()?);
    let host = format!("p{}.example.com", fastrand::u64(..));
    let id = worker.proxy(&json!({"host": host, "port": 8080, "username": "u", "password": "s3cret-of-proxy"})).await?;
    let row = |page: &str| page.split(&host).nth(1).and_then(|rest| rest.split("</tr>").next()).map(str::to_owned);
    let shown = row(&console.page("/proxies").await?).context("it is not listed")?;
    ensure!(shown.contains(">active<") && !shown.contains("s3cret"), "{shown}");
    ensure!(console.page(&format!("/proxies/{id}/disable")).await?.contains(&host), "it is not asked");
    let page = console.done(&format!("/proxies/{id}/disable"), &[]).await?;
    ensure!(row(&page).is_some_and(|row| row.contains(">disabled<")), "{page}");
    let page = console.done(&format!("/proxies/{id}/enable"), &[]).await?;
    ensure!(row(&page).is_some_and(|row| row.contains(">active<")), "{page}");
    is_written_down(&console, "disable proxy", &format!("proxy/{id}")).await
}

#[tokio::test]
async fn a_task_is_taken_from_the_worker_that_has_locked_it() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, admin, worker) = (stack.console().await?, stack.worker_administrator()?, stack.worker().await?);
    let campaign = admin.campaign().await?;
    let id = admin.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    worker.lock(id).await?;
    let row = |page: &str| {
        let row =
            page.split("<tr").find(|row| row.contains(&format!("<div class=\"soft\">comment · campaign {campaign}<")));
        row.map(str::to_owned)
    };
    let listed = row(&console.page("/worker-tasks").await?).context("it is not listed")?;
    ensure!(listed.contains(">running<") && listed.contains(&worker.name), "{listed}");
    let found = console.get(&format!("/jobs/find?id={id}")).await?;
    ensure!(told_at("/jobs/find", &found)? == format!("/worker-tasks/{id}"), "{found:?}");
    let path = format!("/worker-tasks/{id}/release");
    let question = console.page(&path).await?;
    ensure!(question.contains("Take this task from its worker?") && question.contains(&worker.name), "{question}");
    let page = console.answered(&path).await?;
    ensure!(page.contains("The task was taken") && page.contains(">pending<"), "{page}");
    let listed = row(&console.page("/worker-tasks").await?).context("it is not listed")?;
    ensure!(listed.contains(">pending<"), "{listed}");
    // Another has it by now, of whom the question was not.
    worker.lock(id).await?;
    let late = console.send(&path, &hidden_in(&question)).await?;
    ensure!(late.status == 409 && late.text()?.contains("somebody else has it now"), "{}", late.text()?);
    ensure!(console.page(&format!("/worker-tasks/{id}")).await?.contains(">running<"), "it was taken");
    is_written_down(&console, "release task", &format!("task/{id}")).await
}

#[tokio::test]
async fn a_task_is_cancelled_and_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, admin) = (stack.console().await?, stack.worker_administrator()?);
    let campaign = admin.campaign().await?;
    let id = admin.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    let (path, row) = (format!("/worker-tasks/{id}"), format!(">{id}</a><div class=\"soft\">comment"));
    let list = |status: &str| format!("/worker-tasks?status={status}&campaign={campaign}&type=comment");
    let question = console.page(&format!("{path}/cancel")).await?;
    ensure!(question.contains("Cancel this task?"), "{question}");
    let page = console.answered(&format!("{path}/cancel")).await?;
    ensure!(page.contains("The task was cancelled.") && page.contains(">error<"), "{page}");
    let again = console.send(&format!("{path}/cancel"), &hidden_in(&question)).await?;
    ensure!(again.status == 409 && again.text()?.contains("it had ended before"), "{}", again.text()?);
    let shows = async |status: &str| anyhow::Ok(console.page(&list(status)).await?.contains(&row));
    eventually("it is among those that failed", async || Ok(shows("failed").await?.then_some(()))).await?;
    ensure!(!shows("open").await?, "it goes on");
    let page = console.done(&format!("{path}/retry"), &[]).await?;
    ensure!(page.contains("The task can be locked again.") && page.contains(">pending<"), "{page}");
    eventually("it is among those that go on", async || Ok(shows("open").await?.then_some(()))).await?;
    ensure!(console.page(&list("all")).await?.contains("Choose which."), "all of a campaign are listed");
    is_written_down(&console, "cancel task", &format!("task/{id}")).await?;
    is_written_down(&console, "retry task", &format!("task/{id}")).await
}

#[tokio::test]
async fn pages_and_the_api_tell_the_same() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (console, user) = (stack.console().await?, stack.user().await?);
    let page = console.page(&format!("/usage?kind=extract&tenant={}", user.id)).await?;
    let left = user.get("/analytics/dashboard").await?["compute_units_remaining"].as_i64().context("no units")?;
    ensure!(page.contains(&format!("<dt>Compute units left</dt><dd>{left}</dd>")), "{left} in {page}");
    let pool = stack.pool(3).await?;
    pool.scraper.claim_one(&pool.platform).await?;
    // What is counted follows within moments.
    eventually("the overview tells what the queue does", async || {
        let [total, available, in_use, ..] = pool.counts().await?;
        ensure!((total, available, in_use) == (3, 2, 1), "{:?}", pool.counts().await?);
        let page = console.page("").await?;
        let row = page.split(&format!(">{}</a>", pool.platform)).nth(1).and_then(|rest| rest.split("</tr>").next());
        let cell = |name: &str, number: u64| {
            row.is_some_and(|row| row.contains(&format!("data-column=\"{name}\"><div>{number}<")))
        };
        Ok((cell("Available", available) && cell("In use", in_use)).then_some(()))
    })
    .await
}
