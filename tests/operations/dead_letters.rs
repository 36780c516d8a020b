//! Dead letters, from a terminal and over HTTP: a letter of a task that was failed is redriven, and the task completes.

use anyhow::{Context, ensure};
use axum::Router;
use axum::routing::get;
use drover_tests::quiet::QuietTasks;
use drover_tests::receiver::{Receiver, Step};
use drover_tests::site::Site;
use drover_tests::video::order;
use drover_tests::{Stack, User, eventually};
use jobs::{DeadLetter, DeadLetters, Redriven, Reopened, Status, ledger};
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Condition, Key, Update, new_id};

use super::unannounced;

/// Deletes a letter of a test's own.
async fn purge(stack: &Stack, letter: &DeadLetter) -> anyhow::Result<()> {
    let purged = stack.operate(&["dead-letters", "purge", &letter.id().to_string(), "--yes"]).await?;
    ensure!(purged == json!({"purged": 1}), "{purged}");
    Ok(())
}

/// A task whose message died, as the function `dead-letters` leaves it.
async fn buried(stack: &Stack, user: &User, url: &str) -> anyhow::Result<(Key, DeadLetter)> {
    let key = unannounced(stack, user, url).await?;
    let letter = bury(stack, "extract", &key).await?;
    Ok((key, letter))
}

/// The letter of a job whose message died in this queue.
async fn bury(stack: &Stack, queue: &str, key: &Key) -> anyhow::Result<DeadLetter> {
    let body = serde_json::to_string(key)?;
    let dead = stack.queue_url(&format!("{queue}-dead")).await?;
    let sent = stack.sqs().send_message().queue_url(dead).message_body(&body).send().await?;
    let id = sent.message_id.context("no id")?;
    let letters = DeadLetters::new(stack.table("events"));
    eventually("the letter is kept", async || {
        let found = letters.list(queue, None, 100).await?.items;
        Ok(found.into_iter().find(|letter| letter.message_id == id))
    })
    .await
}

async fn site() -> anyhow::Result<Site> {
    Site::serve(Router::new().route("/page", get(async || axum::response::Html("<p class=t>One</p>")))).await
}

/// The task has completed, was charged once, and its account and ledger say so.
async fn assert_completed(stack: &Stack, user: &User, key: &Key) -> anyhow::Result<()> {
    let task = stack.ended(key).await?;
    ensure!(task.job.status == Status::Completed && task.job.redrives == 1, "{task:?}");
    let account = stack.account(user).await?;
    let counted = (account.jobs_open, account.jobs_completed, account.jobs_failed);
    ensure!(counted == (0, 1, 0) && account.units_used == 1 && account.units_reserved == 0, "{account:?}");
    ensure!(account.slots.slots_free == account.slots.slots, "{account:?}");
    ledger::check(&stack.accounts().ledger(&user.id).await?, &account).context("the ledger does not add up")
}

#[tokio::test]
async fn a_failed_task_is_redriven_once_from_a_terminal() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (stack.user().await?, site().await?);
    let (key, letter) = buried(&stack, &user, &site.url("/page")).await?;
    let id = letter.id().to_string();
    let shown = stack.operate(&["dead-letters", "show", &id]).await?;
    ensure!(shown["verdict"] == "its job was failed" && shown["body"] == letter.body, "{shown}");
    ensure!(shown["redriven_at"].is_null(), "{shown}");

    // Several at once: one of them does it.
    let redrive = async || stack.operate(&["dead-letters", "redrive", &id]).await;
    let answers = futures::future::try_join_all((0..4).map(|_| redrive())).await?;
    let sum = |name: &str| answers.iter().filter_map(|answer| answer[name].as_u64()).sum::<u64>();
    ensure!((sum("taken_up"), sum("sent_again"), sum("redriven_before")) == (1, 0, 3), "{answers:?}");
    let again = redrive().await?;
    ensure!(again["redriven_before"] == 1, "{again}");
    assert_completed(&stack, &user, &key).await?;
    ensure!(!stack.operate(&["dead-letters", "show", &id]).await?["redriven_at"].is_null(), "not marked");

    let purged = stack.operate(&["dead-letters", "purge", &id, "--yes"]).await?;
    ensure!(purged == json!({"purged": 1}), "{purged}");
    let gone = stack.droverctl(&["dead-letters", "show", &id]).await?;
    ensure!(!gone.success && gone.errors.contains("no letter"), "{gone:?}");
    ensure!(stack.stored_task(&key).await?.is_some(), "the task went with its letter");
    Ok(())
}

#[tokio::test]
async fn a_failed_task_is_redriven_once_over_http() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator, site) = (stack.user().await?, stack.almighty_user().await?, site().await?);
    let (key, letter) = buried(&stack, &user, &site.url("/page")).await?;
    let path = format!("/admin/dead-letters/{}", letter.id());
    let listed = operator.get("/admin/dead-letters?queue=extract&limit=100").await?;
    let letters = listed["letters"].as_array().context("no letters")?;
    ensure!(letters.iter().any(|each| each["id"] == letter.id().to_string()), "{listed}");
    let shown = operator.get(&path).await?;
    ensure!(shown["queue"] == "extract" && shown["verdict"] == "its job was failed", "{shown}");
    let redriven = async || -> anyhow::Result<Json> {
        operator.call(Method::POST, &format!("{path}/redrive")).await?.success(200)
    };
    let first = redriven().await?;
    ensure!(first["outcome"] == "taken_up" && first["reason"].is_null(), "{first}");
    ensure!(redriven().await?["outcome"] == "redriven_before", "twice");
    assert_completed(&stack, &user, &key).await?;
    let purged = operator.call(Method::DELETE, &path).await?.success(200)?;
    ensure!(purged == json!({"purged": 1, "more": false}), "{purged}");
    operator.call(Method::GET, &path).await?.error(404, "resource_not_found")?;
    operator.call(Method::DELETE, &path).await?.error(404, "resource_not_found")?;
    Ok(())
}

/// The jobs of each queue are their own kind's.
#[tokio::test]
async fn a_failed_portal_job_is_redriven_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Pwmr).await?).await?;
    let letter = bury(&stack, "portal", &job.key).await?;
    ensure!(letter.verdict == "its job was failed", "{letter:?}");
    let path = format!("/cpcb/queue/job/{}", job.id);
    ensure!(client.get(&path).await?["status"] == "failed", "it was not failed");
    let id = letter.id().to_string();
    let redrive = async || stack.operate(&["dead-letters", "redrive", &id]).await;
    ensure!(redrive().await?["taken_up"] == 1, "it was not taken up");
    ensure!(redrive().await?["redriven_before"] == 1, "twice");
    let taken_up = desk.jobs.get(&client.tenant, job.id).await?.context("it is gone")?;
    ensure!(taken_up.job.redrives == 1, "{taken_up:?}");
    client.call(Method::DELETE, &path).await?.success(200)?;
    let again = stack.operate(&["dead-letters", "purge", &id, "--yes"]).await?;
    ensure!(again == json!({"purged": 1}), "{again}");
    Ok(())
}

/// What the last worker said of a portal job is not said of it when it waits again.
#[tokio::test]
async fn a_portal_job_that_is_redriven_is_as_new() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Pwmr).await?).await?;
    let said = Update::new().set("message", "Page 3 of 7").set("worker", "worker-1").set("entity_name", "A company");
    stack.table("portal").update(&job.key, said.when(Condition::Exists("pk"))).await?;
    desk.jobs.jobs.give_up(&job.key, "a test gave it up").await?;
    let letter = stack.letter("portal", &serde_json::to_string(&job.key)?).await?;
    let told = stack.operate(&["dead-letters", "redrive", &letter.id().to_string()]).await?;
    ensure!(told["taken_up"] == 1, "{told}");
    let job = desk.jobs.get(&client.tenant, job.id).await?.context("it is gone")?;
    // A worker of the stack may be at it by now, and has a name of its own.
    ensure!(job.worker.as_deref() != Some("worker-1") && job.message.as_deref() != Some("Page 3 of 7"), "{job:?}");
    ensure!(job.entity_name.as_deref() != Some("A company"), "{job:?}");
    client.call(Method::DELETE, &format!("/cpcb/queue/job/{}", job.id)).await?.success(200)?;
    purge(&stack, &letter).await
}

/// A video job that is deleted, and only waits to be cleared away, is not taken up again.
#[tokio::test]
async fn a_deleted_video_job_is_not_redriven() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.jobs.create(&client.tenant, order("nobody")).await?.job;
    studio.jobs.jobs.give_up(&job.key, "a test gave it up").await?;
    let letter = stack.letter("video", &serde_json::to_string(&job.key)?).await?;
    studio.jobs.mark_deleted(&client.tenant, job.id).await?;
    let said = stack.droverctl(&["dead-letters", "redrive", &letter.id().to_string()]).await?;
    ensure!(!said.success && said.errors.contains("its job is gone"), "{said:?}");
    // Nor by whoever has read it before it was marked.
    let letters = DeadLetters::new(stack.table("events"));
    let mark = letters.redriven(&letter.id(), Clock::system().now());
    let redriven = studio.jobs.jobs.redrive(&job.key, &Update::new(), &mark).await?;
    ensure!(redriven == Redriven::Impossible("its job is gone"), "{redriven:?}");
    let overview = studio.jobs.overview(&client.tenant).await?;
    ensure!((overview.account.jobs_open, overview.account.jobs_failed) == (0, 0), "{overview:?}");
    purge(&stack, &letter).await
}

/// A video that has failed is taken up again with its job, which had ended.
#[tokio::test]
async fn a_failed_video_is_redriven_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "nobody", &["first", "second"]).await?;
    studio.work_through(&job, &["first"]).await?;
    let videos = studio.jobs.videos_of(&job).await?;
    let failed = videos.iter().find(|video| video.video_id == "first").context("no such video")?;
    let letter = stack.letter("video", &serde_json::to_string(&failed.key)?).await?;
    // By another's hands than an operator's command, of which the deployed workers hear.
    let (letters, now) = (DeadLetters::new(stack.table("events")), Clock::system().now());
    let reopened = studio.jobs.reopen(failed, Some(&letters.redriven(&letter.id(), now))).await?;
    ensure!(reopened == Reopened::Waits, "{reopened:?}");
    let again = stack.operate(&["dead-letters", "redrive", &letter.id().to_string()]).await?;
    ensure!(again["redriven_before"] == 1, "{again}");
    let running = studio.reload(&job).await?;
    ensure!(running.job.status == Status::Running, "{running:?}");
    studio.work_through(&job, &[]).await?;
    let shown = studio.shown(&job).await?;
    ensure!(shown.job.job.status == Status::Completed, "{shown:?}");
    purge(&stack, &letter).await
}

/// A delivery that goes on gets its message again.
#[tokio::test]
async fn a_delivery_that_goes_on_is_sent_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Busy(3_600), Step::status(200)]).await?);
    let webhook = user.webhook(&server).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    quiet.complete(&quiet.pending(&user, "A task", extract::TaskType::SimpleScraping).await?).await?;
    stack.attempts_after(&user, &webhook, 1).await?;
    let delivery = stack.deliveries(&user).await?.remove(0);
    let letter = stack.letter("webhooks", &serde_json::to_string(&delivery.key)?).await?;
    // It may be tried now, and recovery would not yet send its message.
    let now = Clock::system().now();
    let rested = Update::new().set("claimable_at", now).when(Condition::equal("status", "pending"));
    stack.table("webhooks").update(&delivery.key, rested).await?;
    let id = letter.id().to_string();
    let told = stack.operate(&["dead-letters", "redrive", &id]).await?;
    ensure!(told["sent_again"] == 1, "{told}");
    let received = server.after(2).await?;
    ensure!(received[0].id() == received[1].id(), "another delivery");
    let again = stack.operate(&["dead-letters", "redrive", &id]).await?;
    ensure!(again["redriven_before"] == 1, "{again}");
    purge(&stack, &letter).await
}

/// A job that fails after it was read: its letter is not used up for a message that nobody needs.
#[tokio::test]
async fn a_letter_is_not_used_up_by_a_job_that_has_just_failed() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, desk) = (stack.portal_client().await?, stack.portal_desk(Clock::system()).await?);
    let job = desk.jobs.create(&stack.portal_account(&client.tenant, Portal::Pwmr).await?).await?;
    let (letter, letters) =
        (stack.letter("portal", &serde_json::to_string(&job.key)?).await?, DeadLetters::new(stack.table("events")));
    let mark = letters.redriven(&letter.id(), Clock::system().now());
    desk.jobs.jobs.give_up(&job.key, "a test gave it up").await?;
    // As one goes on who has read it before that.
    let sent = desk.jobs.jobs.send_again(&job.key, Status::Pending, &mark).await?;
    ensure!(sent.is_none(), "{sent:?}");
    let kept = letters.get(&letter.id()).await?.context("the letter is gone")?;
    ensure!(kept.redriven_at.is_none(), "{kept:?}");
    let redriven = desk.jobs.redrive(&job.key, &mark).await?;
    ensure!(redriven == Redriven::Waits, "{redriven:?}");
    let redriven = desk.jobs.redrive(&job.key, &mark).await?;
    ensure!(redriven == Redriven::Before, "{redriven:?}");
    client.call(Method::DELETE, &format!("/cpcb/queue/job/{}", job.id)).await?.success(200)?;
    purge(&stack, &letter).await
}

/// A message that is longer than an item may be is kept too, the beginning of it.
#[tokio::test]
async fn a_letter_that_is_too_long_is_cut() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let letter = stack.letter("video", &"\u{e9}".repeat(500_000)).await?;
    let kept = DeadLetters::new(stack.table("events")).get(&letter.id()).await?.context("it is not kept")?;
    ensure!(kept.body.len() <= 16_384 && letter.body.starts_with(&kept.body), "{} bytes", kept.body.len());
    let redriven = stack.droverctl(&["dead-letters", "redrive", &letter.id().to_string()]).await?;
    ensure!(!redriven.success && redriven.errors.contains("names no job"), "{redriven:?}");
    purge(&stack, &letter).await
}

/// A page of letters is redriven whatever each of them says, and each says what came of it.
#[tokio::test]
async fn many_letters_are_redriven_whatever_each_says() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator) = (stack.user().await?, stack.almighty_user().await?);
    // The key of something that is no job.
    let account = serde_json::to_string(&extract::account_key(&user.id))?;
    let ours = [stack.letter("extract", &account).await?, stack.letter("extract", "no JSON").await?];
    let path = format!("/admin/dead-letters/{}/redrive", ours[0].id());
    let told = operator.call(Method::POST, &path).await?.success(200)?;
    ensure!(told["outcome"] == "impossible" && told["reason"].is_string(), "{told}");
    let ids: Vec<_> = ours.iter().map(|letter| letter.id().to_string()).collect();
    let told = stack.operate(&["dead-letters", "redrive", &ids[0], &ids[1]]).await?;
    ensure!(told["impossible"].as_array().is_some_and(|all| all.len() == 2) && told["failed"] == json!([]), "{told}");
    let mut arguments = vec!["dead-letters", "purge", "--yes"];
    arguments.extend(ids.iter().map(String::as_str));
    let purged = stack.operate(&arguments).await?;
    ensure!(purged == json!({"purged": 2}), "{purged}");
    Ok(())
}

/// An operator's key may do what it was made for, and no more.
#[tokio::test]
async fn each_endpoint_wants_the_permission_of_its_kind() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // An operator whose key may do nothing.
    let operator = stack.operating_user().await?;
    for (method, path, permission) in [
        (Method::GET, "/admin/dead-letters", "tasks:read"),
        (Method::GET, "/admin/dead-letters/extract.1.x", "tasks:read"),
        (Method::POST, "/admin/dead-letters/extract.1.x/redrive", "tasks:update"),
        (Method::POST, "/admin/dead-letters/redrive", "tasks:update"),
        (Method::DELETE, "/admin/dead-letters/extract.1.x", "tasks:delete"),
        (Method::DELETE, "/admin/dead-letters?queue=video", "tasks:delete"),
    ] {
        let told = operator.call(method.clone(), path).await?.error(403, "authorization_error")?;
        ensure!(told.contains(permission), "{method} {path}: {told}");
    }
    Ok(())
}

/// What cannot be redriven says why; what has not ended gets its message again.
#[tokio::test]
async fn each_letter_says_what_can_be_done() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator, site) = (stack.user().await?, stack.almighty_user().await?, site().await?);
    let open = unannounced(&stack, &user, &site.url("/page")).await?;
    let missing = extract::task_key(&user.id, new_id(Clock::system().now()));
    let cases = [
        (stack.letter("extract", &serde_json::to_string(&open)?).await?, "sent_again", None),
        (stack.letter("extract", "no JSON").await?, "impossible", Some("it names no job")),
        (stack.letter("extract", &serde_json::to_string(&missing)?).await?, "impossible", Some("its job is gone")),
        (stack.letter("portal", &serde_json::to_string(&missing)?).await?, "impossible", Some("its job is gone")),
        (stack.letter("video", &serde_json::to_string(&missing)?).await?, "impossible", Some("its job is gone")),
        (
            stack.letter("webhooks", &serde_json::to_string(&missing)?).await?,
            "impossible",
            Some("its delivery has ended"),
        ),
    ];
    for (letter, outcome, reason) in &cases {
        let path = format!("/admin/dead-letters/{}/redrive", letter.id());
        let redriven = operator.call(Method::POST, &path).await?.success(200)?;
        ensure!(redriven["outcome"] == *outcome && redriven["reason"] == json!(reason), "{}: {redriven}", letter.body);
    }
    let task = stack.ended(&open).await?;
    ensure!(task.job.status == Status::Completed, "{task:?}");
    let completed = stack.letter("extract", &serde_json::to_string(&open)?).await?;
    let said = stack.droverctl(&["dead-letters", "redrive", &completed.id().to_string()]).await?;
    ensure!(!said.success && said.errors.contains("its job has completed"), "{said:?}");
    for (letter, ..) in cases {
        stack.operate(&["dead-letters", "purge", &letter.id().to_string(), "--yes"]).await?;
    }
    stack.operate(&["dead-letters", "purge", &completed.id().to_string(), "--yes"]).await?;
    Ok(())
}

/// Page by page each letter is seen once.
#[tokio::test]
async fn letters_are_listed_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let operator = stack.almighty_user().await?;
    let mut ours = Vec::new();
    for queue in ["video", "webhooks", "portal", "webhooks", "video"] {
        ours.push(stack.letter(queue, "no JSON").await?.id().to_string());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("/admin/dead-letters?limit=2&cursor={cursor}")).await?;
        let letters = page["letters"].as_array().context("no letters")?;
        seen.extend(letters.iter().filter_map(|letter| letter["id"].as_str().map(str::to_owned)));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    for id in &ours {
        ensure!(seen.iter().filter(|each| *each == id).count() == 1, "{id} among {seen:?}");
        stack.operate(&["dead-letters", "purge", id, "--yes"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_and_strangers_are_told_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, operator) = (stack.user().await?, stack.almighty_user().await?);
    for (method, path, field) in [
        (Method::GET, "/admin/dead-letters?queue=other", "queue"),
        (Method::GET, "/admin/dead-letters?limit=0", "limit"),
        (Method::GET, "/admin/dead-letters?limit=101", "limit"),
        (Method::GET, "/admin/dead-letters?cursor=x", "cursor"),
        (Method::GET, "/admin/dead-letters?cursor=other.1.a", "cursor"),
        (Method::GET, "/admin/dead-letters?queue=video&cursor=extract.1.a", "cursor"),
        (Method::POST, "/admin/dead-letters/redrive?queue=all", "queue"),
        (Method::DELETE, "/admin/dead-letters", "queue"),
        (Method::DELETE, "/admin/dead-letters?queue=", "queue"),
    ] {
        let answer = operator.call(method.clone(), path).await?;
        answer.error(400, "validation_error").with_context(|| format!("{method} {path}"))?;
        ensure!(answer.json()?["details"][0]["field"] == field, "{method} {path}: {answer:?}");
        user.call(method, path).await?.error(403, "authorization_error")?;
    }
    for id in ["x", "extract.1", "extract.1.x", "other.1.x", "extract.01.x", "extract.1.%00", "extract.1.a%2Fb"] {
        for (method, below) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/redrive")] {
            let path = format!("/admin/dead-letters/{id}{below}");
            let answer = operator.call(method.clone(), &path).await?;
            answer.error(404, "resource_not_found").with_context(|| format!("{method} {path}"))?;
        }
    }
    Ok(())
}
