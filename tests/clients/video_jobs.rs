//! contracts/video-jobs.md: the Python, JavaScript and curl examples, with the header of the key, as the rulings have it; and the WebSocket's, with the
//! key in its query.

use std::process::Stdio;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::node::{FETCH, WEB_SOCKET, node};
use drover_tests::video::VideoClient;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Clock;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::{Scratch, filled};

const URL: &str = "http://localhost:8000";
const KEY: &str = "your-api-key-here";

/// The one job that an example has made; it is deleted, so that nobody works on it.
async fn made(client: &VideoClient) -> anyhow::Result<()> {
    let jobs = client.get("/jobs").await?;
    let [job] = jobs.as_array().map(Vec::as_slice).context("no list")? else { anyhow::bail!("not one job: {jobs}") };
    let order = ["mode", "value", "limit", "no_watermark"].map(|field| job[field].clone());
    ensure!(order == [json!("profile"), json!("khaby.lame"), json!(50), json!(true)], "{job}");
    client.call(Method::DELETE, &format!("/jobs/{}", job["id"].as_str().context("no id")?)).await?.success_empty()
}

#[tokio::test]
async fn the_python_example_runs_with_the_key_added() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.video_client().await?;
    let key = client.new_key().await?;
    let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
    let program = filled("video_jobs_client.py", &[(URL, stack.url.as_str()), (KEY, &key)])?;
    let told = Scratch::new()?.run(Command::new(python).arg("-c").arg(program)).await?;
    ensure!(told == "Progress: 0%\n", "{told}");
    made(&client).await
}

#[tokio::test]
async fn the_javascript_example_runs_with_the_key_added() -> anyhow::Result<()> {
    let Some(mut node) = node(FETCH).await else { return Ok(()) };
    let stack = Stack::from_environment()?;
    let client = stack.video_client().await?;
    let key = client.new_key().await?;
    let program = filled("video_jobs_client.js", &[(URL, stack.url.as_str()), (KEY, &key)])?;
    let told = Scratch::new()?.run(node.arg("-e").arg(program)).await?;
    ensure!(told == "Progress: 0%\n", "{told}");
    made(&client).await
}

#[tokio::test]
async fn the_websocket_example_runs_with_the_key_added() -> anyhow::Result<()> {
    let Some(mut node) = node(WEB_SOCKET).await else { return Ok(()) };
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.video_client().await?, stack.studio(Clock::system()).await?);
    let job = studio.listed(&client.tenant, "khaby.lame", &["1", "2"]).await?;
    let (url, id) = (stack.url.replacen("http", "ws", 1), job.id.to_string());
    let values = [("ws://localhost:8000", url.as_str()), (KEY, &client.new_key().await?), ("{job_id}", &id)];
    let program = filled("video_jobs_socket.js", &values)?;
    let mut node = node.arg("-e").arg(program).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut told = BufReader::new(node.stdout.take().context("no output")?).lines();
    ensure!(told.next_line().await?.as_deref() == Some("Progress: 0"), "not told how far the job is");
    studio.work_through(&job, &[]).await?;
    let mut rest = Vec::new();
    while let Some(line) = told.next_line().await? {
        rest.push(line);
    }
    // It ends when the socket is closed.
    ensure!(node.wait().await?.success(), "{rest:?}");
    ensure!(rest.last().is_some_and(|last| last == "Progress: 100"), "{rest:?}");
    Ok(())
}

#[tokio::test]
async fn the_curl_examples_run_with_the_key_added() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.video_client().await?;
    let key = client.new_key().await?;
    let scratch = Scratch::new()?;
    let shell = async |commands: String| scratch.run(Command::new("sh").arg("-c").arg(commands)).await;
    let values = [(URL, stack.url.as_str()), (KEY, &key)];
    let job: Json = serde_json::from_str(&shell(filled("video_jobs_create.sh", &values)?).await?)?;
    let id = job["id"].as_str().context("no id")?;
    let values = [(URL, stack.url.as_str()), (KEY, &key), ("{job_id}", id)];
    let told = shell(filled("video_jobs_read.sh", &values)?).await?;
    let mut told = serde_json::Deserializer::from_str(&told).into_iter::<Json>();
    let (shown, videos) = (told.next().context("no job")??, told.next().context("no videos")??);
    ensure!(shown["job"]["id"] == id && videos == json!({"total": 0, "videos": []}), "{shown} {videos}");
    made(&client).await
}
