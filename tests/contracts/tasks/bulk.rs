//! `POST /tasks` of the type `bulk_scraping`: many pages, in batches, one result.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::extract::Path as Asked;
use axum::http::header::RETRY_AFTER;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use calamine::{Reader, Xlsx};
use drover_tests::answer::Answer;
use drover_tests::held::HeldPage;
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, id_of, key_of};
use extract::Task;
use reqwest::Method;
use serde_json::{Map, Value as Json, json};
use table::{Condition, Item, Query};
use tokio::time::{Instant, sleep};
use zip::ZipArchive;

/// A page that keeps its visitors waiting.
const HELD: &str = "<p class=t>Held</p>";

async fn create(user: &User, config: &Json) -> anyhow::Result<Json> {
    let body = json!({"name": "Many", "task_type": "bulk_scraping", "config": config});
    user.send(Method::POST, "/tasks", &body).await?.success(201)
}

async fn ended(user: &User, config: &Json) -> anyhow::Result<Json> {
    user.ended(&create(user, config).await?).await
}

/// A configuration with what it has of its own.
fn config(urls: &[String], own: Json) -> Json {
    let mut config = json!({"urls": urls, "selectors": {"title": ".t"}});
    if let (Some(config), Json::Object(own)) = (config.as_object_mut(), own) {
        config.extend(own);
    }
    config
}

fn numbered(site: &Site, path: &str, count: usize) -> Vec<String> {
    (0..count).map(|page| site.url(&format!("{path}{page}"))).collect()
}

/// Page *n* has *n* modulo 3 rows.
async fn catalogue() -> anyhow::Result<Site> {
    let page = async |Asked(page): Asked<usize>| {
        let rows: Vec<_> = (0..page % 3).map(|row| format!("<p class=t>={page}.{row}</p>")).collect();
        Html(rows.concat())
    };
    Site::serve(Router::new().route("/catalogue/{page}", get(page))).await
}

/// The rows of so many pages of the catalogue.
fn titles(pages: usize) -> Vec<String> {
    (0..pages).flat_map(|page| (0..page % 3).map(move |row| format!("={page}.{row}"))).collect()
}

/// What is stored of a task, apart from itself and its result.
async fn left_over(stack: &Stack, user: &User, task: &Task) -> anyhow::Result<(Vec<Item>, Vec<String>)> {
    let mut items = Vec::new();
    if let Some(join) = &task.job.children {
        let batches = Query::new(Condition::equal("pk", join.pk.as_str())).consistent();
        items = stack.table("extract").query_items(batches).await?.items;
    }
    let mut files = stack.result_files(user, task.id).await?;
    files.retain(|file| Some(file) != task.job.result_key.as_ref());
    Ok((items, files))
}

/// Waits until nothing is left over: the clearing away follows the end.
async fn nothing_left_over(stack: &Stack, user: &User, task: &Json) -> anyhow::Result<()> {
    let key = key_of(user, task)?;
    eventually("nothing is left of the batches", async || {
        let task = stack.stored_task(&key).await?.context("no task")?;
        let (items, files) = left_over(stack, user, &task).await?;
        Ok((items.is_empty() && files.is_empty()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_rows_of_all_batches_are_one_file_in_the_order_of_the_pages() -> anyhow::Result<()> {
    const PAGES: usize = 25;
    let stack = Stack::from_environment()?;
    let (user, site) = (stack.user().await?, catalogue().await?);
    let urls = numbered(&site, "/catalogue/", PAGES);
    let of = |format: &str| config(&urls, json!({"batch_size": 4, "parallel_requests": 5, "output_format": format}));
    let (json, csv, xlsx) = (of("json"), of("csv"), of("xlsx"));
    let (json, csv, xlsx) = tokio::try_join!(ended(&user, &json), ended(&user, &csv), ended(&user, &xlsx))?;
    for task in [&json, &csv, &xlsx] {
        assert_eq!((&task["status"], &task["error_message"]), (&json!("completed"), &Json::Null), "{task}");
        let units = (&task["estimated_compute_units"], &task["compute_units_consumed"], &task["progress"]);
        assert_eq!(units, (&json!(PAGES), &json!(PAGES), &json!(100)), "{task}");
        nothing_left_over(&stack, &user, task).await?;
    }

    let rows: Vec<Map<String, Json>> = user.download(&json).await?.json().await?;
    let found: Vec<_> = rows.iter().filter_map(|row| row["title"].as_str()).collect();
    assert_eq!(found, titles(PAGES));
    let text = user.download(&csv).await?.text().await?;
    let lines: Vec<_> = text.split_terminator("\r\n").skip(1).map(|line| line.trim_start_matches('\'')).collect();
    assert_eq!(lines, titles(PAGES));
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(user.download(&xlsx).await?.bytes().await?))?;
    let cells: Vec<_> = book.worksheet_range("Sheet1")?.rows().skip(1).map(|row| row[0].to_string()).collect();
    assert_eq!(cells, titles(PAGES));

    let account = stack.account(&user).await?;
    assert_eq!((account.units_used, account.units_reserved, account.jobs_completed), (i64::try_from(3 * PAGES)?, 0, 3));
    Ok(())
}

#[tokio::test]
async fn each_page_has_a_file_of_its_own_where_that_is_asked_for() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (stack.user().await?, catalogue().await?);
    let mut urls = numbered(&site, "/catalogue/", 5);
    urls.insert(3, site.url("/nowhere"));
    let own = json!({"batch_size": 2, "export_individual_files": true, "output_format": "csv", "retry_attempts": 0});
    let task = ended(&user, &config(&urls, own)).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(5)), "{task}");
    let told = format!("1 of 6 pages failed; the first: {} answered with status 404", urls[3]);
    assert_eq!(task["error_message"], json!(told));

    let answer = Answer::of(user.download(&task).await?).await?;
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert!(answer.header("content-disposition").is_some_and(|name| name.ends_with(".zip\"")), "{answer:?}");
    let mut archive = ZipArchive::new(Cursor::new(answer.body))?;
    let mut file = |name: &str| -> anyhow::Result<String> {
        let mut text = String::new();
        archive.by_name(name).with_context(|| name.to_owned())?.read_to_string(&mut text)?;
        Ok(text)
    };
    let pages = ["0001.csv", "0002.csv", "0003.csv", "0005.csv", "0006.csv"];
    for (name, rows) in pages.iter().zip(["", "'=1.0\r\n", "'=2.0\r\n'=2.1\r\n", "", "'=4.0\r\n"]) {
        assert_eq!(file(name)?, format!("title\r\n{rows}"), "{name}");
    }
    let failures: Json = serde_json::from_str(&file("failures.json")?)?;
    let error = format!("{} answered with status 404", urls[3]);
    assert_eq!(failures, json!([{"page": 4, "url": urls[3], "error": error}]));
    assert_eq!(archive.len(), 6);
    nothing_left_over(&stack, &user, &task).await
}

/// A site whose pages fail as their names say: `/503/2/1` twice with this status, each time asking for one second's patience.
#[derive(Clone, Debug, Default)]
struct Flaky(Arc<Mutex<HashMap<String, Vec<Instant>>>>);

impl Flaky {
    fn pages(&self) -> Router {
        let flaky = self.clone();
        let page = get(async move |uri: Uri, Asked((status, times, patience)): Asked<(u16, usize, String)>| {
            flaky.answer(uri.path(), status, times, &patience)
        });
        Router::new().route("/{status}/{times}/{patience}", page)
    }

    fn answer(&self, path: &str, status: u16, times: usize, patience: &str) -> Response {
        let mut visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let visits = visits.entry(path.to_owned()).or_default();
        visits.push(Instant::now());
        if visits.len() > times {
            return Html("<p class=t>At last</p>").into_response();
        }
        let status = StatusCode::from_u16(status).unwrap_or_default();
        (status, [(RETRY_AFTER, patience.to_owned())]).into_response()
    }

    fn visits(&self, path: &str) -> Vec<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_as_often_as_the_task_wants() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, flaky) = (stack.user().await?, Flaky::default());
    let site = Site::serve(flaky.pages()).await?;
    // Visited so often; had or not.
    let pages = [
        ("/503/2/1", 3, true),
        ("/500/1/0", 2, true),
        ("/500/9/0", 3, false),
        ("/404/1/0", 1, false),
        ("/503/1/86400", 1, false),
        ("/429/1/1", 2, true),
    ];
    let urls: Vec<_> = pages.iter().map(|(path, ..)| site.url(path)).collect();
    let own = json!({"batch_size": 1, "parallel_requests": 6, "retry_attempts": 2});
    let task = ended(&user, &config(&urls, own)).await?;
    let had = pages.iter().filter(|(.., had)| *had).count();
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(had)), "{task}");
    assert!(task["error_message"].as_str().is_some_and(|told| told.starts_with("3 of 6 pages failed")), "{task}");
    for (path, visits, _) in pages {
        assert_eq!(flaky.visits(path).len(), visits, "{path}");
    }
    for pair in flaky.visits("/503/2/1").windows(2) {
        assert!(pair[1].duration_since(pair[0]) >= Duration::from_secs(1), "the site asked for a second");
    }
    let rows: Json = user.download(&task).await?.json().await?;
    assert_eq!(rows.as_array().map(Vec::len), Some(had));
    let account = stack.account(&user).await?;
    assert_eq!((account.units_used, account.units_reserved), (i64::try_from(had)?, 0));
    Ok(())
}

#[tokio::test]
async fn a_task_none_of_whose_pages_can_be_had_fails_and_costs_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, site) = (stack.user().await?, catalogue().await?);
    let urls = numbered(&site, "/nowhere/", 5);
    let task = ended(&user, &config(&urls, json!({"batch_size": 2}))).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("failed"), &json!(0)), "{task}");
    let told = format!("5 of 5 pages failed; the first: {} answered with status 404", urls[0]);
    assert_eq!((&task["error_message"], &task["result_url"]), (&json!(told), &Json::Null));
    nothing_left_over(&stack, &user, &task).await
}

/// How many visitors a site has at once, and the most that it has had.
#[derive(Clone, Debug, Default)]
struct Crowd(Arc<Mutex<(usize, usize)>>);

impl Crowd {
    fn pages(&self) -> Router {
        let crowd = self.clone();
        let page = get(async move || {
            crowd.change(|(now, most)| (now + 1, most.max(now + 1)));
            sleep(Duration::from_millis(40)).await;
            crowd.change(|(now, most)| (now - 1, most));
            Html("<p class=t>Here</p>")
        });
        Router::new().route("/{page}", page)
    }

    fn change(&self, change: impl FnOnce((usize, usize)) -> (usize, usize)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts = change(*counts);
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[tokio::test]
async fn no_more_pages_are_asked_for_at_once_than_the_task_wants() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    // Many batches, of which some run at once; and fewer batches than requests, each of which makes several.
    for (batch_size, parallel_requests) in [(2, 4), (20, 6)] {
        let crowd = Crowd::default();
        let site = Site::serve(crowd.pages()).await?;
        let own = json!({"batch_size": batch_size, "parallel_requests": parallel_requests});
        let task = ended(&user, &config(&numbered(&site, "/", 40), own)).await?;
        assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(40)), "{task}");
        assert!(crowd.most() <= parallel_requests, "{} at once, where {parallel_requests} may be", crowd.most());
    }
    Ok(())
}

#[tokio::test]
async fn as_many_pages_as_may_be_are_asked_for_at_once_and_the_task_is_one_of_its_plans() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held) = (stack.user().await?, HeldPage::default());
    let site = Site::serve(held.alone(HELD)).await?;
    let own = json!({"batch_size": 2, "parallel_requests": 4, "timeout": 60});
    let task = create(&user, &config(&numbered(&site, "/held?", 10), own)).await?;
    held.visitor(4).await?;
    let slots = stack.account(&user).await?.slots;
    assert_eq!(slots.slots - slots.slots_free, 1, "the batches take none of the plan's");
    assert_eq!(held.visits_so_far(), 4);
    held.let_go();
    let task = user.ended(&task).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(10)), "{task}");
    Ok(())
}

#[tokio::test]
async fn what_the_batches_have_done_is_seen_while_others_are_at_work() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held) = (stack.user().await?, HeldPage::default());
    let pages = held.alone(HELD).route("/page", get(async || Html("<p class=t>Page</p>")));
    let site = Site::serve(pages).await?;
    let urls = ["/page", "/page", "/nowhere", "/page", "/held", "/page"].map(|path| site.url(path));
    let own = json!({"batch_size": 2, "parallel_requests": 3, "timeout": 60});
    let task = create(&user, &config(&urls, own)).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    let running = eventually("two of three batches are done", async || {
        Ok(Some(user.get(&path).await?).filter(|task| task["progress"] == 66))
    })
    .await?;
    assert_eq!((&running["status"], &running["compute_units_consumed"]), (&json!("running"), &json!(3)), "{running}");
    assert_eq!(user.get("/tasks").await?[0]["progress"], 66);
    let log = eventually("the log tells of the page that failed", async || {
        let log = user.log(&task).await?;
        let failed = format!("ERROR {} answered with status 404", urls[2]);
        Ok(log.contains(&failed).then_some(log))
    })
    .await?;
    assert_eq!(log[0], "INFO Handed out 6 pages in 3 batches, 3 pages at once");

    held.let_go();
    let task = user.ended(&task).await?;
    assert_eq!((&task["status"], &task["compute_units_consumed"]), (&json!("completed"), &json!(5)), "{task}");
    let log = eventually("the log is complete", async || {
        let log = user.log(&task).await?;
        Ok(log.last().is_some_and(|line| line == "INFO Completed: 5 rows from 5 pages").then_some(log))
    })
    .await?;
    for line in
        ["INFO Done with pages 1 to 2: 2 rows from 2 of them", "INFO Done with pages 5 to 6: 2 rows from 2 of them"]
    {
        assert!(log.iter().any(|logged| logged == line), "{log:?}");
    }
    let stored = stack.stored_task(&key_of(&user, &task)?).await?.context("no task")?;
    assert_eq!(log.len() as u64, stored.job.log_lines, "{log:?}");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_task_stops_all_its_batches_and_leaves_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, held) = (stack.user().await?, HeldPage::default());
    let pages = held.alone(HELD).route("/page", get(async || Html("<p class=t>Page</p>")));
    let site = Site::serve(pages).await?;
    let urls: Vec<_> = ["/page", "/page"].into_iter().chain(["/held"; 6]).map(|path| site.url(path)).collect();
    let own = json!({"batch_size": 2, "parallel_requests": 3, "timeout": 60});
    let task = create(&user, &config(&urls, own)).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    held.visitor(3).await?;
    eventually("the first batch is counted", async || {
        Ok((user.get(&path).await?["compute_units_consumed"] == 2).then_some(()))
    })
    .await?;

    assert_eq!(user.call(Method::DELETE, &path).await?.success(200)?["status"], "cancelled");
    held.abandoned_by(3).await?;
    let cancelled = user.get(&path).await?;
    let charged = (&cancelled["status"], &cancelled["compute_units_consumed"], &cancelled["result_url"]);
    assert_eq!(charged, (&json!("cancelled"), &json!(2), &Json::Null), "{cancelled}");
    nothing_left_over(&stack, &user, &task).await?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_used, account.units_reserved, account.jobs_open), (2, 0, 0));
    assert_eq!(account.slots.slots, account.slots.slots_free);
    ensure!(held.visits_so_far() == 3, "{} were begun", held.visits_so_far());
    assert!(user.log(&task).await?.iter().any(|line| line.starts_with("INFO Done with pages 1 to 2")));

    assert_eq!(user.call(Method::DELETE, &path).await?.success(200)?["status"], "deleted");
    user.call(Method::GET, &path).await?.error(404, "resource_not_found")?;
    Ok(())
}

/// As many batches as a task can have.
#[tokio::test]
async fn two_thousand_batches_of_a_page_are_handed_out_and_let_go() -> anyhow::Result<()> {
    const PAGES: usize = 2_000;
    let stack = Stack::from_environment()?;
    let (user, held) = (stack.user().await?, HeldPage::default());
    let site = Site::serve(held.alone(HELD)).await?;
    let own = json!({"batch_size": 1, "parallel_requests": 2, "timeout": 60});
    let task = create(&user, &config(&numbered(&site, "/held?", PAGES), own)).await?;
    held.visitor(2).await?;
    let path = format!("/tasks/{}", id_of(&task)?);
    let running = user.get(&path).await?;
    assert_eq!((&running["status"], &running["progress"]), (&json!("running"), &json!(0)), "{running}");
    assert_eq!(running["estimated_compute_units"], PAGES);
    assert_eq!(user.call(Method::DELETE, &path).await?.success(200)?["status"], "cancelled");
    held.abandoned_by(2).await?;
    nothing_left_over(&stack, &user, &task).await?;
    let account = stack.account(&user).await?;
    assert_eq!((account.units_used, account.units_reserved, account.jobs_cancelled), (0, 0, 1));
    Ok(())
}
