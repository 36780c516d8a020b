//! `POST /tasks` of a `monitoring` task: its pages are looked at again and again, and its owner is told what has changed.

use std::io::Cursor;
use std::time::Duration;

use anyhow::{Context, ensure};
use calamine::{Reader, Xlsx};
use drover_tests::answer::is_timestamp;
use drover_tests::chaos::{Fault, Rule};
use drover_tests::monitor::{Monitor, Shop};
use drover_tests::{Stack, eventually, id_of};
use extract::account_key;
use jobs::{Status, usage};
use reqwest::Method;
use serde_json::json;
use table::{Clock, Millis, Update};

const UPDATE: &str = "DynamoDB_20120810.UpdateItem";

#[tokio::test]
async fn the_first_check_is_at_once_and_then_the_task_rests() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    let stored = monitor.stored().await?;
    let (began, next) = (stored.job.started_at.context("not begun")?, stored.job.lease.claimable_at.context("never")?);
    ensure!(next == began.after(Duration::from_hours(1)), "{stored:?}");
    let task = monitor.user.get(&monitor.path).await?;
    ensure!(task["status"] == "pending" && task["progress"] == 0 && task["error_message"].is_null(), "{task}");
    ensure!(task["next_run_at"] == next.to_string() && task["compute_units_consumed"] == 1, "{task}");
    ensure!(task["result_url"] == format!("{}/download", monitor.path), "{task}");
    ensure!(monitor.download("").await? == json!([{"price": "£100.00"}]));
    ensure!(monitor.download("?content=changes").await? == json!([]));
    ensure!(monitor.mails().await?.is_empty() && shop.visits() == 1);
    ensure!(monitor.charged().await? == (1, 1));
    let account = monitor.stack.account(&monitor.user).await?;
    ensure!(account.slots.slots_free == account.slots.slots && account.jobs_open == 1, "{account:?}");

    // It can be changed as any task that has not ended.
    let change = json!({"name": "Tea", "priority": 9});
    let task = monitor.user.send(Method::PUT, &monitor.path, &change).await?.success(200)?;
    ensure!(task["name"] == "Tea" && task["priority"] == 9, "{task}");
    Ok(())
}

#[tokio::test]
async fn a_change_below_the_threshold_is_kept_and_one_that_reaches_it_is_told() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    let first = monitor.stored().await?.job.lease.claimable_at.context("never")?;
    shop.costs(Some("£104.00"));
    let second = monitor.check(2).await?.job.lease.claimable_at.context("never")?;
    ensure!(second == first.after(Duration::from_hours(1)), "the schedule goes on");
    ensure!(monitor.mails().await?.is_empty(), "by 4 of 100");

    shop.costs(Some("£98.80"));
    monitor.check(3).await?;
    let mails = monitor.mails().await?;
    let [mail] = mails.as_slice() else { anyhow::bail!("{mails:?}") };
    ensure!(mail.subject == "1 change: Price of tea", "{mail:?}");
    let page = shop.site.url("/tea");
    let told = format!("\n{page}\n  row 1, price: £104.00 -> £98.80 (by 5%)\n");
    ensure!(mail.text.contains(&told) && mail.text.contains(&format!("DELETE {}\n", monitor.path)), "{mail:?}");

    monitor.check(4).await?;
    ensure!(monitor.mails().await?.len() == 1, "nothing has changed");
    ensure!(monitor.download("").await? == json!([{"price": "£98.80"}]));
    let changes = monitor.download("?content=changes").await?;
    let [small, large] = [&changes[0], &changes[1]];
    ensure!(
        (&small["old"], &small["new"], &small["reported"]) == (&json!("£100.00"), &json!("£104.00"), &json!(false)),
        "{changes}"
    );
    ensure!((&large["url"], &large["row"], &large["field"]) == (&json!(page), &json!(1), &json!("price")), "{changes}");
    ensure!(large["reported"] == true && changes.as_array().is_some_and(|all| all.len() == 2), "{changes}");
    ensure!(monitor.charged().await? == (4, 1), "each check once");
    ensure!(monitor.log().await?.contains(&format!("INFO Told {} of 1 changes", monitor.user.email())));
    // Of the files, those of the values before may still be read by somebody; those before them are gone.
    let files = monitor.stack.result_files(&monitor.user, monitor.stored().await?.id).await?;
    ensure!(files.len() == 6, "{files:?}");
    Ok(())
}

#[tokio::test]
async fn changes_come_in_the_form_that_the_task_asks_for() -> anyhow::Result<()> {
    let columns = ["checked_at", "url", "row", "field", "old", "new", "change", "reported"];
    for format in ["csv", "xlsx"] {
        let (stack, shop) = (Stack::from_environment()?, Shop::open("£100.00").await?);
        let user = stack.user().await?;
        let mut config = shop.config(&user);
        config["output_format"] = json!(format);
        let monitor = Monitor::create(stack, user, &config).await?;
        monitor.rested(1).await?;
        // A name with what a CSV has to quote, and a spreadsheet must not take for a formula.
        shop.costs(Some("=\"£1,50\""));
        monitor.check(2).await?;

        let path = format!("{}/download?content=changes", monitor.path);
        let answer = monitor.user.call(Method::GET, &path).await?;
        ensure!(answer.status == 200, "{answer:?}");
        let page = shop.site.url("/tea");
        let (header, row) = if format == "csv" {
            ensure!(answer.header("content-type") == Some("text/csv; charset=utf-8"), "{answer:?}");
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.body.as_slice());
            let rows: Vec<_> = reader.records().collect::<Result<_, _>>()?;
            let [header, row] = rows.as_slice() else { anyhow::bail!("{rows:?}") };
            let texts = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
            (texts(header), texts(row))
        } else {
            let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.body.clone()))?;
            ensure!(book.worksheet_formula("Sheet1")?.used_cells().count() == 0, "a change became a formula");
            let sheet = book.worksheet_range("Sheet1")?;
            let mut rows = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
            let found = (rows.next().context("no header")?, rows.next().context("no change")?);
            ensure!(rows.next().is_none(), "more than one change");
            found
        };
        ensure!(header == columns, "{header:?}");
        ensure!(is_timestamp(&row[0]), "{row:?}");
        let new = row[5].trim_start_matches('\'');
        let told = (row[1].as_str(), row[2].as_str(), row[3].as_str(), row[4].as_str(), new);
        ensure!(told == (page.as_str(), "1", "price", "£100.00", "=\"£1,50\""), "{format}: {row:?}");
        ensure!(
            (row[6].parse::<f64>()? - 1.0).abs() < 1e-9 && row[7].eq_ignore_ascii_case("true"),
            "{format}: {row:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_page_that_cannot_be_had_has_not_changed() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    shop.costs(None);
    let task = monitor.check(2).await?;
    let said = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(said.contains("404"), "{task:?}");
    ensure!(monitor.charged().await? == (1, 1), "it is not charged");
    ensure!(monitor.download("").await? == json!([{"price": "£100.00"}]), "the last values stay");
    ensure!(monitor.log().await?.contains("its last values stay"));
    shop.costs(Some("£200.00"));
    let task = monitor.check(3).await?;
    ensure!(task.job.error_message.is_none(), "{task:?}");
    ensure!(monitor.mails().await?.len() == 1, "told of what it was before it was gone");
    Ok(())
}

#[tokio::test]
async fn an_email_outlives_the_worker_that_was_to_send_it() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    shop.costs(Some("£50.00"));
    let recorded = Rule::new(UPDATE, &monitor.due_at().await?, 1, Fault::DelayAnswer { milliseconds: 4_000 });
    let recorded = monitor.stack.chaos(&recorded).await?;
    monitor.begin().await?;
    eventually("what was found is recorded", async || Ok((recorded.struck().await? == 1).then_some(()))).await?;
    recorded.kill_last().await?;
    monitor.rested_by_recovery(2).await?;
    let mails = monitor.mails().await?;
    ensure!(mails.len() == 1 && mails[0].text.contains("£100.00 -> £50.00"), "{mails:?}");
    ensure!(shop.visits() == 2, "what was seen is not looked at again");
    ensure!(monitor.charged().await? == (2, 1));
    Ok(())
}

#[tokio::test]
async fn an_email_that_may_have_gone_is_sent_again_and_the_check_is_charged_once() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    shop.costs(Some("£50.00"));
    let to = monitor.user.email().replace('@', "%40");
    let sent = Rule::new("POST ", &to, 1, Fault::DelayAnswer { milliseconds: 4_000 });
    let sent = monitor.stack.chaos(&sent).await?;
    monitor.begin().await?;
    eventually("the e-mail is sent", async || Ok((!monitor.mails().await?.is_empty()).then_some(()))).await?;
    sent.kill_last().await?;
    monitor.rested_by_recovery(2).await?;
    let mails = monitor.mails().await?;
    ensure!(mails.len() == 2 && mails[0] == mails[1], "{mails:?}");
    ensure!(shop.visits() == 2 && monitor.charged().await? == (2, 1));
    Ok(())
}

#[tokio::test]
async fn an_email_is_tried_again_where_the_service_fails_and_not_where_it_refuses() -> anyhow::Result<()> {
    let answer = |status, code: &str| Fault::Answer {
        status,
        error_type: String::new(),
        body: format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>No</Message></Error></ErrorResponse>"
        ),
    };
    for (status, code, sent) in [(503, "ServiceUnavailable", 1), (400, "Throttling", 1), (400, "MessageRejected", 0)] {
        let (shop, monitor) = Monitor::of("£100.00").await?;
        shop.costs(Some("£50.00"));
        let to = monitor.user.email().replace('@', "%40");
        let fault = monitor.stack.chaos(&Rule::new("POST ", &to, 1, answer(status, code))).await?;
        monitor.begin().await?;
        monitor.rested_by_recovery(2).await.context(code)?;
        ensure!(fault.end().await? == 1, "{code}: no e-mail was tried");
        ensure!(monitor.mails().await?.len() == sent, "{code}: {:?}", monitor.mails().await?);
        ensure!(shop.visits() == 2 && monitor.charged().await? == (2, 1), "{code}");
        ensure!(monitor.log().await?.contains("was refused") == (sent == 0), "{code}");
    }
    Ok(())
}

#[tokio::test]
async fn a_user_has_so_many_emails_a_day() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    let today = usage::day_key(&account_key(&monitor.user.id), Clock::system().now());
    monitor.stack.table("extract").update(&today, Update::new().set("mails", 49_u64)).await?;
    for (check, price) in [(2, "£200.00"), (3, "£300.00")] {
        shop.costs(Some(price));
        monitor.check(check).await?;
    }
    ensure!(monitor.mails().await?.len() == 1, "{:?}", monitor.mails().await?);
    ensure!(monitor.log().await?.contains("No e-mail is sent: there were 50 today"));
    Ok(())
}

#[tokio::test]
async fn without_units_for_the_next_check_a_monitor_fails_with_its_values() -> anyhow::Result<()> {
    let (stack, shop) = (Stack::from_environment()?, Shop::open("£100.00").await?);
    let permissions = api::identity::Permission::ALL.map(|(_, permission)| permission);
    let user = stack.user_with(extract::Plan::Professional, 2, &permissions).await?;
    let config = shop.config(&user);
    let monitor = Monitor::create(stack, user, &config).await?;
    monitor.rested(1).await?;
    shop.costs(Some("£50.00"));
    monitor.begin().await?;
    let task = monitor.stack.ended(&monitor.key).await?;
    let reason = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(task.job.status == Status::Failed && reason.contains("compute units"), "{task:?}");
    ensure!(monitor.mails().await?.len() == 1, "what it found is told");
    ensure!(monitor.download("").await? == json!([{"price": "£50.00"}]));
    ensure!(monitor.charged().await? == (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_period_that_is_over_is_followed_by_the_next_for_a_monitor_too() -> anyhow::Result<()> {
    let (stack, shop) = (Stack::from_environment()?, Shop::open("£100.00").await?);
    let permissions = api::identity::Permission::ALL.map(|(_, permission)| permission);
    let user = stack.user_with(extract::Plan::Professional, 2, &permissions).await?;
    let config = shop.config(&user);
    let monitor = Monitor::create(stack, user, &config).await?;
    monitor.rested(1).await?;
    let account = account_key(&monitor.user.id);
    let long_ago = Millis(Clock::system().now().0 - 40 * 24 * 3_600 * 1_000);
    let over = Update::new()
        .set("period_anchor", long_ago)
        .set("period", format!("month-{long_ago}"))
        .set("period_end", Millis(Clock::system().now().0 - 1));
    monitor.stack.table("extract").update(&account, over).await?;
    monitor.check(2).await?;
    ensure!(monitor.charged().await? == (1, 1), "of the new period's units");
    monitor.begin().await?;
    let task = monitor.stack.ended(&monitor.key).await?;
    ensure!(task.job.status == Status::Failed && monitor.charged().await? == (2, 0), "{task:?}");
    Ok(())
}

#[tokio::test]
async fn a_monitor_ends_with_the_plan_that_runs_it() -> anyhow::Result<()> {
    let (_shop, monitor) = Monitor::of("£100.00").await?;
    let free = Update::new().set("plan", "free");
    monitor.stack.table("extract").update(&account_key(&monitor.user.id), free).await?;
    monitor.begin().await?;
    let task = monitor.stack.ended(&monitor.key).await?;
    let reason = task.job.error_message.as_deref().unwrap_or_default();
    ensure!(task.job.status == Status::Failed && reason.contains("plan"), "{task:?}");
    ensure!(monitor.charged().await? == (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_monitor_that_rests_is_cancelled_and_then_deleted_with_its_files() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    let id = monitor.stored().await?.id;
    let told = monitor.user.call(Method::DELETE, &monitor.path).await?.success(200)?;
    ensure!(told["status"] == "cancelled", "{told}");
    ensure!(monitor.charged().await? == (1, 0));
    ensure!(monitor.download("").await? == json!([{"price": "£100.00"}]), "its values stay");
    let task = monitor.user.get(&monitor.path).await?;
    ensure!(task["status"] == "cancelled" && task["next_run_at"].is_null(), "{task}");
    monitor.stack.send_hint(&monitor.key).await?;
    let told = monitor.user.call(Method::DELETE, &monitor.path).await?.success(200)?;
    ensure!(told["status"] == "deleted" && shop.visits() == 1, "{told}");
    ensure!(monitor.stack.result_files(&monitor.user, id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_monitor_that_is_cancelled_in_the_middle_of_a_check_tells_nobody() -> anyhow::Result<()> {
    let (shop, monitor) = Monitor::of("£100.00").await?;
    shop.costs(Some("£50.00"));
    let id = monitor.stored().await?.id;
    // Before what was found is recorded it is cancelled.
    let held = Rule::new(UPDATE, &monitor.due_at().await?, 1, Fault::Delay { milliseconds: 2_000 });
    let held = monitor.stack.chaos(&held).await?;
    monitor.begin().await?;
    eventually("the check is done", async || Ok((held.struck().await? == 1).then_some(()))).await?;
    monitor.stack.jobs(jobs::Policy::with_lease(Duration::from_mins(1))).await?.cancel(&monitor.key).await?;
    eventually("its worker has put its files away", async || {
        let files = monitor.stack.result_files(&monitor.user, id).await?;
        Ok((files.len() == 3).then_some(()))
    })
    .await?;
    ensure!(monitor.mails().await?.is_empty());
    let task = monitor.stored().await?;
    ensure!(task.job.status == Status::Cancelled, "{task:?}");
    ensure!(monitor.download("").await? == json!([{"price": "£100.00"}]));
    Ok(())
}

#[tokio::test]
async fn only_its_owner_is_told_and_whoever_the_operator_allows() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let body = |address: &str| {
        let config =
            json!({"urls": ["http://127.77.255.254:1/"], "selectors": {"price": ".p"}, "notification_email": address});
        json!({"name": "Mail", "task_type": "monitoring", "config": config})
    };
    // The local cloud allows the domain of the contract's example.
    for (address, status) in [
        (user.email().to_uppercase(), 201),
        ("alerts@company.com".to_owned(), 201),
        ("somebody@example.com".to_owned(), 400),
        ("alerts@mail.company.com".to_owned(), 400),
        (format!("{}\n", user.email()), 400),
        (format!("{}, a@b.example", user.email()), 400),
    ] {
        let answer = user.send(Method::POST, "/tasks", &body(&address)).await?;
        let told = answer.success(status).with_context(|| address.clone())?;
        ensure!(status == 201 || told["details"][0]["field"] == "config.notification_email", "{address}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn only_a_monitor_has_changes_to_download() -> anyhow::Result<()> {
    let (stack, shop) = (Stack::from_environment()?, Shop::open("£1").await?);
    let user = stack.user().await?;
    let task =
        user.create_task(json!({"urls": [shop.site.url("/tea")], "selectors": {"price": ".current-price"}})).await?;
    user.ended(&task).await?;
    for query in ["content=changes", "content=all"] {
        let path = format!("/tasks/{}/download?{query}", id_of(&task)?);
        let told = user.call(Method::GET, &path).await?.success(400)?;
        ensure!(told["details"][0]["field"] == "content", "{told}");
    }
    Ok(())
}
