//! A site to be scraped, on an address that the test stack allows.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where the stacks of tests may fetch from: tests/run allows the network 127.77.0.0/16.
const NETWORK: [u8; 2] = [127, 77];

/// An address that hardly another test has, and that the stacks of tests may connect to.
pub(crate) fn any_address() -> Ipv4Addr {
    Ipv4Addr::new(NETWORK[0], NETWORK[1], fastrand::u8(..), fastrand::u8(1..255))
}

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
        let listener = TcpListener::bind((any_address(), 0)).await.context("no address for a site")?;
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
