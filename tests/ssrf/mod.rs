//! Addresses that are not public, in every spelling: refused when the task is created, or failed with a clear message; and nothing
//! connects to them.

mod addresses;
mod browser;
mod names;
mod redirects;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use drover_tests::{Stack, User, eventually};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Fewer than a key may create in a minute.
const TASKS_PER_USER: usize = 20;
/// How many tasks are under way at once.
const AT_ONCE: usize = 6;

/// What must become of a page's address.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The task is not created: this is said of `config.urls[0]`.
    Refused(&'static str),
    /// The task fails: its message has the page's address, and this.
    Failed(&'static str),
}

/// A server on the loopback addresses, where nobody should ever connect.
struct Trap {
    port: u16,
    connections: Arc<AtomicUsize>,
    servers: Vec<JoinHandle<()>>,
}

impl Trap {
    async fn set() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut listeners = vec![listener];
        // Not every machine has IPv6.
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await);
        let connections = Arc::new(AtomicUsize::new(0));
        let servers =
            listeners.into_iter().map(|listener| tokio::spawn(count(listener, Arc::clone(&connections)))).collect();
        Ok(Self { port, connections, servers })
    }

    /// Nobody has connected; and had somebody, it would have been seen.
    async fn stayed_empty(self) -> anyhow::Result<()> {
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "somebody has connected");
        let _visitor = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let visits = async || Ok((self.connections.load(Ordering::SeqCst) == 1).then_some(()));
        eventually("the trap sees who connects", visits).await
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

async fn count(listener: TcpListener, connections: Arc<AtomicUsize>) {
    while listener.accept().await.is_ok() {
        connections.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes a task of each address, and finds that it comes to its fate and costs nothing.
async fn each_meets_its_fate(addresses: Vec<(String, Fate)>) -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let users = try_join_all(addresses.chunks(TASKS_PER_USER).map(|_| stack.user())).await?;
    let tried = addresses.iter().enumerate().map(|(at, (url, fate))| {
        let user = &users[at / TASKS_PER_USER];
        async move { anyhow::Ok(meets(user, url, *fate).await.err().map(|fault| format!("  {url}: {fault:#}"))) }
    });
    let faults: Vec<Option<String>> = stream::iter(tried).buffer_unordered(AT_ONCE).try_collect().await?;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), addresses.len(), faults.join("\n"));
    for user in &users {
        let account = stack.account(user).await?;
        assert_eq!((account.units_available, account.units_reserved, account.units_used), (10_000, 0, 0));
        assert_eq!((account.jobs_open, account.jobs_completed), (0, 0));
    }
    Ok(())
}

async fn meets(user: &User, url: &str, fate: Fate) -> anyhow::Result<()> {
    let config = json!({"urls": [url], "selectors": {"title": "h1"}, "timeout": 20});
    let body = json!({"name": "Inside", "task_type": "simple_scraping", "config": config});
    let answer = user.send(Method::POST, "/tasks", &body).await?;
    match fate {
        Fate::Refused(reason) => {
            ensure!(answer.invalid_fields()? == ["config.urls[0]"], "another fault: {}", answer.text()?);
            ensure!(answer.text()?.contains(reason), "not a word of '{reason}': {}", answer.text()?);
        }
        Fate::Failed(reason) => {
            ensure!(answer.status == 201, "not created: {}", answer.text()?);
            let task = user.ended(&answer.json()?).await?;
            let message = task["error_message"].as_str().context("no message")?;
            ensure!(task["status"] == "failed" && task["compute_units_consumed"] == 0, "{task}");
            ensure!(task["result_url"].is_null(), "it has a result: {task}");
            let scheme_and_host = message.starts_with("http://") || message.starts_with("https://");
            ensure!(scheme_and_host && message.contains(reason), "not a word of '{reason}': {message}");
        }
    }
    Ok(())
}
