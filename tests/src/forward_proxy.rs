//! A proxy that takes connections where they should go, as an operator of the worker API would rent it: HTTP's CONNECT, with a password.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::scraper::SECRET;
use crate::site::any_address;

const USER: &str = "renter";

/// A proxy that works for as long as this lives. What it connects to sees its address.
#[derive(Debug)]
pub struct ForwardProxy {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
    server: JoinHandle<()>,
}

impl ForwardProxy {
    /// Starts it, at an address of its own.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((any_address(), 0)).await.context("no address for a proxy")?;
        let address = listener.local_addr()?;
        let targets: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let asked = Arc::clone(&targets);
        let server = tokio::spawn(async move {
            // They end with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, address.ip(), Arc::clone(&asked)));
            }
        });
        Ok(Self { address, targets, server })
    }

    /// Its address, from which it connects.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// It, as the worker API is told of it.
    #[must_use]
    pub fn record(&self) -> Json {
        json!({
            "host": self.address.ip().to_string(), "port": self.address.port(), "type": "http", "username": USER, "password": SECRET,
        })
    }

    /// Where it has been asked to connect to, in this order.
    #[must_use]
    pub fn targets(&self) -> Vec<SocketAddr> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Of a visitor who does not keep to the protocol, the proxy thinks no more.
async fn serve(stream: TcpStream, from: IpAddr, targets: Arc<Mutex<Vec<SocketAddr>>>) -> anyhow::Result<()> {
    let (mut stream, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        ensure!(stream.read_line(&mut head).await? > 0, "a head that ends early");
    }
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{SECRET}")));
    let is_known = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .any(|(name, value)| name.eq_ignore_ascii_case("proxy-authorization") && value == expected);
    if !is_known {
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await?;
        return Ok(());
    }
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).context("no CONNECT")?;
    // A name would be resolved here, where nobody has judged the address.
    let target: SocketAddr = target.parse().context("a name, and not an address")?;
    targets.lock().unwrap_or_else(PoisonError::into_inner).push(target);
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let mut site = socket.connect(target).await?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut site).await?;
    Ok(())
}
