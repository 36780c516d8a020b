//! contracts/worker-api.md: the Python example.

use anyhow::Context;
use drover_tests::Stack;
use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::{Scratch, filled};

#[tokio::test]
#[ignore = "does the task that is due longest, whosever it is: tests/run runs it after the others"]
async fn the_python_example_runs_unchanged_but_for_url_and_token() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
    let campaign = admin.campaign().await?;
    admin.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    let first = *worker.pending("limit=1").await?.first().context("nothing is due")?;

    let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
    let values = [("http://localhost:8000", stack.url.as_str()), ("your-api-token-here", &worker.token)];
    let program = filled("worker_api_client.py", &values)?;
    Scratch::new()?.run(Command::new(python).arg("-c").arg(program)).await?;

    let task = admin.shown_task(first).await?;
    let expected = json!(["success", "python-worker-01", {"url": "https://example.com/backlink"}, Json::Null]);
    assert_eq!(json!([task["status"], task["last_worker"], task["result"], task["last_error"]]), expected);
    Ok(())
}
