//! A walk through the console in a browser (walk/walk.mjs): every page and error in light and dark, at 1280 and at 375 pixels, with axe-core; the numbers
//! on the pages beside what the APIs tell; every action by what one clicks, with each question before it and each notice after it; what moves; the keyboard
//! alone; no scripts. The screenshots stay in `target/tests/console`.

mod numbers;
mod plan;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use drover_tests::Stack;
use drover_tests::node::{FETCH, node};
use drover_tests::site::Site;
use drover_tests::video::order;
use serde_json::json;
use table::{Clock, Table};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use videos::VideoJob;

use self::numbers::Numbers;
use self::plan::{Scene, page_of, scene};

const PASSWORD: &str = "correct horse battery staple";
/// What a log says while its page is looked at.
const LINE: &str = "said while somebody looked on";

/// A site of one page, that tells what the console's pages must show now.
async fn told(numbers: Numbers) -> anyhow::Result<Site> {
    let numbers = Arc::new(numbers);
    let now = get(async move || {
        let told = numbers.now().await.map(axum::Json);
        told.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")))
    });
    Site::serve(Router::new().route("/numbers", now)).await
}

/// One more line of a job's log, as a worker writes it.
async fn say(events: &Table, job: &VideoJob, number: u64) -> anyhow::Result<()> {
    let now = Clock::system().now();
    let line = json!({
        "pk": format!("LOG#{}", job.key.sk), "sk": format!("{number:010}"), "expires_at": now.epoch_seconds() + 3_600,
        "number": number, "at": now, "level": "INFO", "message": LINE, "metadata": {},
    });
    Ok(events.replace(&line).await?)
}

#[tokio::test]
#[ignore = "it starts a browser, and looks at a hundred pages: run it alone"]
async fn every_page_is_walked_and_every_action_done() -> anyhow::Result<()> {
    let Ok(packages) = std::env::var("DROVER_CONSOLE_WALK") else {
        anyhow::bail!("DROVER_CONSOLE_WALK is not set: run the suites by tests/run")
    };
    let Some(mut walk) = node(FETCH).await else { return Ok(()) };
    let stack = Stack::from_environment()?;
    let operator = stack.operating_user().await?;
    stack.set_console_password(&operator, PASSWORD).await?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let followed = studio.jobs.create(&client.tenant, order("to be followed")).await?.job;
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tests/console");
    let Scene { mut plan, numbers, shop: _shop } = Box::pin(scene(&stack)).await?;
    let numbers = told(numbers).await?;
    plan["url"] = json!(stack.url);
    plan["email"] = json!(format!("{}@example.com", operator.id));
    plan["password"] = json!(PASSWORD);
    plan["screenshots"] = json!(screenshots);
    plan["numbers"] = json!(numbers.url("/numbers"));
    plan["follow"] = json!({"path": page_of(&followed), "line": LINE});

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("console/walk/walk.mjs");
    walk.arg(script)
        .env("DROVER_CONSOLE_WALK", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut walk = walk.spawn()?;
    walk.stdin.take().context("no input")?.write_all(plan.to_string().as_bytes()).await?;
    let mut lines = BufReader::new(walk.stdout.take().context("no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        if let Some(number) = line.strip_prefix("SAY ") {
            say(&stack.table("events"), &followed, number.parse()?).await?;
        }
    }
    ensure!(walk.wait().await?.success(), "the walk found faults: see above");
    Ok(())
}
