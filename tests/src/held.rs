//! A page that keeps its visitors waiting: a task that asks for it is in the middle of its work for as long as a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Html;
use axum::routing::{MethodRouter, get};
use tokio::sync::watch;

use crate::stack::eventually;

/// A page that is shown only once it is let go. Clones are the same page.
#[derive(Clone, Debug)]
pub struct HeldPage {
    let_go: Arc<watch::Sender<bool>>,
    visits: Arc<Mutex<Visits>>,
}

#[derive(Debug, Default)]
struct Visits {
    peers: Vec<SocketAddr>,
    abandoned: usize,
}

/// A visit that is still waiting; dropped where the visitor hangs up.
struct Waiting<'page>(&'page HeldPage);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.visits().abandoned += 1;
    }
}

impl Default for HeldPage {
    fn default() -> Self {
        Self { let_go: Arc::new(watch::Sender::new(false)), visits: Arc::default() }
    }
}

impl HeldPage {
    /// The page's handler, which shows `html`.
    pub fn handler(&self, html: &'static str) -> MethodRouter {
        let page = self.clone();
        get(async move |ConnectInfo(peer): ConnectInfo<SocketAddr>| {
            page.visits().peers.push(peer);
            let waiting = Waiting(&page);
            // Fails where the sender is gone, and this holds on to it.
            let _ = page.let_go.subscribe().wait_for(|let_go| *let_go).await;
            std::mem::forget(waiting);
            Html(html)
        })
    }

    /// A site of this one page, at `/held`.
    pub fn alone(&self, html: &'static str) -> Router {
        Router::new().route("/held", self.handler(html))
    }

    /// Shows the page to whoever waits and to whoever comes.
    pub fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// How often the page was asked for so far.
    #[must_use]
    pub fn visits_so_far(&self) -> usize {
        self.visits().peers.len()
    }

    /// Waits for the `number`th visit, from 1, and gives the visitor's end of the connection.
    pub async fn visitor(&self, number: usize) -> anyhow::Result<SocketAddr> {
        let what = format!("the held page was asked for {number} times");
        eventually(&what, async || Ok(self.visits().peers.get(number - 1).copied())).await
    }

    /// Waits until so many visitors have hung up without having seen the page.
    pub async fn abandoned_by(&self, count: usize) -> anyhow::Result<()> {
        let what = format!("{count} visitors of the held page hung up");
        eventually(&what, async || Ok((self.visits().abandoned >= count).then_some(()))).await
    }

    fn visits(&self) -> std::sync::MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
