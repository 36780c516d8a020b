//! `/docs` and `/redoc` in a real browser, which tells every request that it makes.

use std::path::Path;
use std::process::Stdio;

use anyhow::ensure;
use drover_tests::Stack;
use serde_json::Value as Json;
use tokio::process::Command;

/// Opens both pages, tries an endpoint through Swagger UI, and gives what the browser saw.
async fn visit(stack: &Stack) -> anyhow::Result<Json> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/pages.py");
    let mut run = Command::new(std::env::var("DROVER_PYTHON")?);
    run.arg(script).arg(&stack.url).env("CHROMIUM", std::env::var("CHROMIUM")?);
    let output = run.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn the_pages_show_the_document_and_ask_no_other_host() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let seen = visit(&stack).await?;
    let requests: Vec<_> = seen["requests"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    ensure!(requests.len() >= 8, "so few requests: {requests:?}");
    let others: Vec<_> = requests.iter().filter(|url| !url.starts_with(&format!("{}/", stack.url))).collect();
    ensure!(others.is_empty(), "the pages ask others: {others:?}");
    ensure!(seen["docs"]["operations"].as_u64() > Some(105), "Swagger UI shows {}", seen["docs"]);
    ensure!(seen["redoc"]["operations"].as_u64() > Some(105), "ReDoc shows {}", seen["redoc"]);
    // The endpoint that was tried by its form answered, and the page shows what.
    ensure!(seen["tried"]["status"] == "200", "{}", seen["tried"]);
    ensure!(seen["tried"]["body"].as_str().is_some_and(|body| body.contains("\"celery\"")), "{}", seen["tried"]);
    ensure!(requests.iter().any(|url| url.ends_with("/health")), "{requests:?}");
    Ok(())
}
