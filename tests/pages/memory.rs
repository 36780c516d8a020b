//! A worker's memory, whatever number of pages a task has.

use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use drover_tests::process::Workers;
use drover_tests::site::Site;
use drover_tests::{Stack, User};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// What a page has: so many rows of so many bytes.
const ROWS: usize = 40;
const ROW_BYTES: usize = 2_500;
/// Of each kind of task: its type, what it has of its own, and how many pages it has in turn. One kind has a thousand: the others go the same way but for the
/// form of the file.
const KINDS: [(&str, &str, &[usize]); 5] = [
    ("simple_scraping", r#"{"output_format": "json"}"#, &[10, 100]),
    ("simple_scraping", r#"{"output_format": "xlsx"}"#, &[10, 100]),
    ("bulk_scraping", r#"{"output_format": "json", "parallel_requests": 5}"#, &[10, 1_000]),
    ("bulk_scraping", r#"{"output_format": "xlsx", "parallel_requests": 5}"#, &[10, 200]),
    ("bulk_scraping", r#"{"export_individual_files": true, "parallel_requests": 5}"#, &[10, 200]),
];
/// The most memory that a worker may take, in bytes. What it holds at once is bounded: 4 MiB of rows, four parts of an upload of 5 MiB, a few pages. The rest is
/// the program, of which a build that is not optimised has 30 MB.
const MOST: u64 = 96 * 1024 * 1024;

async fn completed(user: &User, task_type: &str, own: &str, site: &Site, pages: usize) -> anyhow::Result<()> {
    let urls: Vec<_> = (0..pages).map(|page| site.url(&format!("/?{page}"))).collect();
    let mut config = json!({"urls": urls, "selectors": {"text": "p"}});
    if let (Some(config), Json::Object(own)) = (config.as_object_mut(), serde_json::from_str(own)?) {
        config.extend(own);
    }
    let body = json!({"name": "Pages", "task_type": task_type, "config": config});
    let task = user.send(Method::POST, "/tasks", &body).await?.success(201)?;
    let task = user.ended(&task).await?;
    ensure!((&task["status"], &task["compute_units_consumed"]) == (&json!("completed"), &json!(pages)), "{task}");
    user.call(Method::DELETE, &format!("/tasks/{}", drover_tests::id_of(&task)?)).await?.success(200)?;
    Ok(())
}

#[tokio::test]
#[ignore = "measures processes that others' tasks would use too"]
async fn a_workers_memory_does_not_grow_with_the_number_of_pages() -> anyhow::Result<()> {
    let (stack, folder) = (Stack::from_environment()?, std::env::var("DROVER_FOLDER").context("no DROVER_FOLDER")?);
    let user = stack.user().await?;
    let workers = Workers::of(&folder, &format!("{}-extract-scraper", stack.name));
    let page: Arc<str> =
        (0..ROWS).map(|_| format!("<p>{}</p>", "x".repeat(ROW_BYTES))).collect::<Vec<_>>().concat().into();
    let page = get(async move || Html(page.to_string()));
    let site = Site::serve(Router::new().route("/", page)).await?;
    let mut too_much = Vec::new();
    for (task_type, own, counts) in KINDS {
        for &pages in counts {
            // The first makes sure that there is somebody whose peak can be forgotten.
            completed(&user, task_type, own, &site, 1).await?;
            workers.forget_peaks()?;
            completed(&user, task_type, own, &site, pages).await?;
            let peak = workers.peak()?;
            let line = format!("{task_type} {own}: {pages} pages, at most {} kB", peak / 1_000);
            println!("{line}");
            if peak > MOST {
                too_much.push(line);
            }
        }
    }
    ensure!(too_much.is_empty(), "more than {MOST} bytes:\n{}", too_much.join("\n"));
    Ok(())
}
