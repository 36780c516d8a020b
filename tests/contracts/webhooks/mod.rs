//! `/webhooks` and all below it, and what webhooks are sent.

mod attempts;
mod create;
mod deliver;
mod disable;
mod exactly_once;
mod fairness;
mod list;
mod permissions;
mod retry;
mod rotate;
mod ssrf;
mod test;
mod update;

use std::process::Stdio;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::quiet::QuietTasks;
use drover_tests::receiver::Received;
use extract::{Task, TaskType};
use serde_json::{Value as Json, json};
use table::Clock;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The verifier that is not ours.
const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/webhooks/verify.py");

/// The secret of a webhook that has just been registered or rotated.
fn secret_of(webhook: &Json) -> anyhow::Result<&str> {
    webhook["secret"].as_str().with_context(|| format!("no secret in {webhook}"))
}

/// Whether the scheme's own library takes what was received for signed with this secret.
async fn is_verified(received: &Received, secret: &str) -> anyhow::Result<bool> {
    let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
    let headers: serde_json::Map<_, _> =
        received.headers.keys().map(|name| (name.to_string(), received.header(name.as_str()).into())).collect();
    let told = json!({"headers": headers, "body": received.body}).to_string();
    let mut verifier = Command::new(python)
        .args([VERIFIER, secret])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    verifier.stdin.take().context("no input")?.write_all(told.as_bytes()).await?;
    let output = verifier.wait_with_output().await?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    // Anything else that goes wrong is no answer.
    ensure!(output.status.success() || complaint.starts_with("refused: "), "the verifier failed: {complaint}");
    Ok(output.status.success())
}

/// A user's task that nothing has begun, to be ended as a test wants.
async fn quiet_task(stack: &Stack, user: &drover_tests::User) -> anyhow::Result<(QuietTasks, Task)> {
    let quiet = QuietTasks::new(stack, Clock::system()).await?;
    let task = quiet.pending(user, "Prices", TaskType::SimpleScraping).await?;
    Ok((quiet, task))
}
