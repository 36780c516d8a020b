//! The document of the APIs, tried: every operation with inputs that it allows and with those that it does not, by schemathesis. What it says of
//! answers must be so, and what it refuses must be refused. The pages that show it are opened in a browser.

mod pages;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::store::StandInStore;
use futures::future::{try_join, try_join_all, try_join3};
use reqwest::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use serde_json::{Value as Json, json};
use tokio::process::Command;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many users of the extraction cloud take turns: each may make five requests a minute about billing.
const USERS: usize = 150;
/// How many of them do so where keys are managed. They delete their own, so they call nothing else.
const KEY_OWNERS: usize = 30;
/// How many keys of the video jobs take turns: the bucket of each holds twenty requests.
const VIDEO_KEYS: usize = 150;
/// How many users of the portal jobs take turns.
const PORTAL_USERS: usize = 10;

#[tokio::test]
#[ignore = "takes minutes, and wants the stack for itself"]
async fn schemathesis_finds_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    // The services behind ours answer: what they are, is told by their stand-ins.
    try_join3(stack.set_sign_in_secret(), stack.set_provider_keys(), StandInStore::of(&stack)).await?;
    let (users, fetcher) =
        try_join(try_join_all((0..USERS).map(|_| stack.almighty_user())), stack.video_client()).await?;
    let keys: Vec<_> = users.iter().map(|user| user.key.as_str()).collect();
    let (key_owners, users) = keys.split_at(KEY_OWNERS);
    let portal_user = stack.portal_client().await?;
    let portal_users = try_join_all((1..PORTAL_USERS).map(|_| stack.portal_client_of(&portal_user.tenant))).await?;
    let portal_tokens: Vec<_> = portal_users.iter().chain([&portal_user]).map(|user| user.token.as_str()).collect();
    let callers = json!({
        "administrator": stack.administrator()?.key,
        "users": users,
        "key_owners": key_owners,
        "video_keys": try_join_all((0..VIDEO_KEYS).map(|_| fetcher.new_key())).await?,
        "portal_tokens": portal_tokens,
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let tool = std::env::var("DROVER_SCHEMATHESIS").context("localstack/python schemathesis installs it")?;
    let document = format!("{}/openapi.json", stack.url);
    let mut run = Command::new(tool);
    run.args([
        "--config-file",
        "schemathesis.toml",
        "run",
        &document,
        "--url",
        &stack.url,
        "--checks",
        "all",
        "--workers",
        "1",
    ])
    .args(["--no-color", "--warnings", "off"])
    .args(std::env::var("DROVER_SCHEMATHESIS_ARGUMENTS").unwrap_or_default().split_whitespace())
    .env("DROVER_CALLERS", callers.to_string())
    .env("PYTHONPATH", &folder)
    .current_dir(&folder)
    .stdin(Stdio::null())
    .kill_on_drop(true);
    let status = run.status().await?;
    ensure!(status.success(), "schemathesis: {status}");
    Ok(())
}

#[tokio::test]
async fn every_example_fits_its_schema() -> anyhow::Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut check = Command::new(std::env::var("DROVER_PYTHON")?);
    check.arg(tests.join("openapi/examples.py")).arg(tests.join("../functions/api-docs/openapi.json"));
    let output = check.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count: usize = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    ensure!(count > 60, "{count} examples only");
    Ok(())
}

#[tokio::test]
async fn the_document_is_public_and_may_be_kept() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    for (path, media_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        ("/redoc", "text/html; charset=utf-8"),
        ("/docs/assets/swagger-ui.js", "text/javascript; charset=utf-8"),
        ("/docs/assets/swagger-ui.css", "text/css; charset=utf-8"),
        ("/docs/assets/redoc.js", "text/javascript; charset=utf-8"),
        ("/docs/assets/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/assets/redoc-page.js", "text/javascript; charset=utf-8"),
    ] {
        let url = format!("{}{path}", stack.url);
        let plain = client.get(&url).send().await?;
        ensure!(plain.status() == 200 && plain.headers()[CONTENT_TYPE] == media_type, "{path}: {plain:?}");
        ensure!(plain.headers().contains_key(CACHE_CONTROL), "{path}: {plain:?}");
        let policy = plain.headers()[CONTENT_SECURITY_POLICY].to_str()?;
        ensure!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{path}: {policy}");
        let tag = plain.headers()[ETAG].clone();
        ensure!(!plain.bytes().await?.is_empty(), "{path} is empty");
        let again = client.get(&url).header("If-None-Match", tag).send().await?;
        ensure!(again.status() == 304 && again.bytes().await?.is_empty(), "{path} was sent again");
    }
    let document: Json =
        serde_json::from_slice(&client.get(format!("{}/openapi.json", stack.url)).send().await?.bytes().await?)?;
    ensure!(document["openapi"] == "3.1.0" && document["servers"][0]["url"] == "./", "{}", document["servers"]);
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_form_of_its_contract() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    for (method, path, status) in [
        ("GET", "/docs/assets/nothing.js", 404),
        ("GET", "/docs/assets/%2e%2e%2fmain.rs", 404),
        ("GET", "/docs/assets/", 404),
        ("GET", "/docs/other", 404),
        ("POST", "/openapi.json", 405),
        ("DELETE", "/docs", 405),
        ("PUT", "/redoc", 405),
        ("PATCH", "/docs/assets/redoc.js", 405),
    ] {
        let answer = client.request(method.parse()?, format!("{}{path}", stack.url)).send().await?;
        let allowed = answer.headers().get("allow").cloned();
        ensure!(answer.status() == status, "{method} {path}: {answer:?}");
        ensure!(answer.headers().contains_key("x-request-id"), "{method} {path}: {answer:?}");
        if status != 200 {
            ensure!(answer.json::<Json>().await?["detail"].is_string(), "{method} {path}");
        }
        ensure!((status == 405) == allowed.is_some(), "{method} {path}: {allowed:?}");
    }
    Ok(())
}
