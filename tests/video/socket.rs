//! `/ws/jobs/{job_id}`.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::video::{Studio, VideoClient};
use futures::StreamExt;
use serde_json::Value as Json;
use table::Clock;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;
use videos::VideoJob;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a message may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A socket for a job, with this in its query.
async fn open(stack: &Stack, job: &str, query: &str, key: Option<&str>) -> Result<Socket, Error> {
    let url = format!("{}/ws/jobs/{job}{query}", stack.url.replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    if let Some(key) = key.and_then(|key| key.parse().ok()) {
        request.headers_mut().insert("X-API-Key", key);
    }
    Ok(connect_async(request).await?.0)
}

/// The next that is told; none once the socket is closed.
async fn next(socket: &mut Socket) -> anyhow::Result<Option<Json>> {
    loop {
        match timeout(PATIENCE, socket.next()).await.context("nothing was told")? {
            Some(Ok(Message::Text(text))) => return Ok(Some(serde_json::from_str(&text)?)),
            Some(Ok(Message::Close(_))) | None => return Ok(None),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

/// A job of the client's whose three videos wait.
async fn listed(studio: &Studio, client: &VideoClient) -> anyhow::Result<VideoJob> {
    studio.listed(&client.tenant, "khaby.lame", &["1", "2", "3"]).await
}

#[tokio::test]
async fn who_listens_is_told_each_progress_once_and_let_go_at_the_end() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = listed(&studio, &client).await?;
    let key = client.new_key().await?;
    let mut by_header = open(&stack, &job.id.to_string(), "", Some(&key)).await?;
    // As a browser has to: its WebSocket has no headers of its own.
    let mut by_query = open(&stack, &job.id.to_string(), &format!("?api_key={key}"), None).await?;
    for socket in [&mut by_header, &mut by_query] {
        let told = next(socket).await?.context("closed at once")?;
        ensure!((&told["progress"], &told["status"]) == (&0.into(), &"running".into()), "{told}");
    }
    let mut expected = vec![33, 66, 100];
    while let Some((run, video)) = studio.next(&job).await? {
        studio.upload(run, &video, 1_000).await?;
        let progress = expected.remove(0);
        for socket in [&mut by_header, &mut by_query] {
            let told = next(socket).await?.context("closed too soon")?;
            ensure!(told["progress"] == progress, "{told}, not {progress}");
        }
    }
    studio.conclude(&job).await?;
    for socket in [&mut by_header, &mut by_query] {
        let told = next(socket).await?.context("closed without the end")?;
        ensure!((&told["progress"], &told["status"]) == (&100.into(), &"completed".into()), "{told}");
        ensure!(next(socket).await?.is_none(), "not let go");
    }
    Ok(())
}

#[tokio::test]
async fn who_comes_late_is_told_the_end_and_let_go() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let job = listed(&studio, &client).await?;
    studio.work_through(&job, &["2"]).await?;
    let mut socket = open(&stack, &job.id.to_string(), "", Some(&client.new_key().await?)).await?;
    let told = next(&mut socket).await?.context("closed at once")?;
    ensure!((&told["status"], &told["failed_downloads"]) == (&"completed".into(), &1.into()), "{told}");
    ensure!(next(&mut socket).await?.is_none(), "not let go");
    Ok(())
}

#[tokio::test]
async fn nobody_listens_without_a_key_of_the_jobs_owner() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (client, studio) = (stack.unheard_client().await?, stack.studio(Clock::system()).await?);
    let (job, stranger) = (listed(&studio, &client).await?, stack.video_client().await?.new_key().await?);
    let (job, own) = (job.id.to_string(), client.new_key().await?);
    let nowhere = Uuid::new_v4().to_string();
    for (what, id, key) in [
        ("no key", job.as_str(), None),
        ("no such key", &job, Some("sk_test_0000")),
        ("another's key", &job, Some(stranger.as_str())),
        ("no such job", &nowhere, Some(own.as_str())),
        ("no job's id", "7", Some(own.as_str())),
    ] {
        let opened = open(&stack, id, "", key).await;
        ensure!(matches!(opened, Err(Error::Http(_))), "{what}: {opened:?}");
    }
    Ok(())
}
