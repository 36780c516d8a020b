//! Requests that no client library would send: written byte by byte.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, lookup_host};
use tokio::time::timeout;

use crate::answer::Answer;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request; nothing in it is escaped, ordered or corrected.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// The method.
    pub method: String,
    /// The target, as in the request line.
    pub target: String,
    /// The headers, besides `Host`, `Connection` and `Content-Length`.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl RawRequest {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it from `source` to the server at `url` (`http://host:port`), on a connection of its own.
    pub async fn send(&self, url: &str, source: IpAddr) -> anyhow::Result<Answer> {
        let host = url.strip_prefix("http://").context("not http")?;
        let server = lookup_host(host).await?.find(SocketAddr::is_ipv4).context("no IPv4 address")?;
        let answer = timeout(PATIENCE, self.exchange(host, server, source)).await.context("no answer in time")??;
        parse(&self.target, &answer, self.method == "HEAD")
            .with_context(|| format!("after {} {}", self.method, self.target))
    }

    async fn exchange(&self, host: &str, server: SocketAddr, source: IpAddr) -> anyhow::Result<Vec<u8>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        let mut stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        // A server may answer, and hang up, before it has read everything.
        let (mut reader, mut writer) = stream.split();
        let mut answer = Vec::new();
        let (_, read) = tokio::join!(writer.write_all(&bytes), reader.read_to_end(&mut answer));
        if answer.is_empty() {
            read.context("the connection broke")?;
        }
        Ok(answer)
    }
}

fn parse(target: &str, mut answer: &[u8], is_head: bool) -> anyhow::Result<Answer> {
    // Asked whether it wants the body, a server says so first.
    while let Some(rest) = answer.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n") {
        answer = rest;
    }
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("the answer has no end of headers")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?.parse()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        headers.append(name.trim().parse::<HeaderName>()?, value.trim().parse::<HeaderValue>()?);
    }
    let body = &answer[end + 4..];
    let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = if chunked { joined(body)? } else { body.to_vec() };
    if let Some(length) = headers.get("content-length").filter(|_| !chunked && !is_head) {
        ensure!(length.to_str()?.parse::<usize>()? == body.len(), "the body is not as long as announced");
    }
    Answer::whole(target, status, headers, body)
}

/// The chunks of a body, joined.
fn joined(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|bytes| bytes == b"\r\n").context("a chunk without a size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(end + 2..end + 2 + size).context("a chunk that is cut off")?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..).context("no end of a chunk")?;
    }
}
