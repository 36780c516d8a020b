//! A site to be scraped, on an address that the test stack allows.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where the stacks of tests may fetch from: tests/run allows the network 127.77.0.0/16.
const NETWORK: [u8; 2] = [127, 77];

/// A site that is served for as long as this lives.
#[derive(Debug)]
pub struct Site {
    /// Its address.
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

impl Site {
    /// Serves `pages`, at an address of its own.
    pub async fn serve(pages: Router) -> anyhow::Result<Self> {
        let host = Ipv4Addr::new(NETWORK[0], NETWORK[1], fastrand::u8(..), fastrand::u8(1..255));
        let listener = TcpListener::bind((host, 0)).await.context("no address for a site")?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            let service = pages.into_make_service_with_connect_info::<SocketAddr>();
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { address, server })
    }

    /// Serves these pages, each a path and its HTML.
    pub async fn of<const N: usize>(pages: [(&str, String); N]) -> anyhow::Result<Self> {
        let pages = pages
            .into_iter()
            .fold(Router::new(), |pages, (path, html)| pages.route(path, get(|| async { Html(html) })));
        Self::serve(pages).await
    }

    /// The URL of a page: `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A door before a page: who asks for the page waits until it is open. Clones are the same door.
#[derive(Clone, Debug)]
pub struct Door {
    open: Arc<watch::Sender<bool>>,
    arrived: Arc<watch::Sender<usize>>,
    left: Arc<watch::Sender<usize>>,
}

impl Default for Door {
    fn default() -> Self {
        let counter = || Arc::new(watch::Sender::new(0));
        Self { open: Arc::new(watch::Sender::new(false)), arrived: counter(), left: counter() }
    }
}

impl Door {
    /// Goes through, as soon as it is open: for the page's handler.
    pub async fn pass(&self) {
        self.arrived.send_modify(|count| *count += 1);
        // Fails when the door is gone, which this holds on to.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        self.left.send_modify(|count| *count += 1);
    }

    /// Waits until so many have come to it.
    pub async fn reached_by(&self, count: usize) {
        let _ = self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    /// Waits until so many have gone through.
    pub async fn left_by(&self, count: usize) {
        let _ = self.left.subscribe().wait_for(|left| *left >= count).await;
    }

    /// Opens it, for good.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}
