//! A caller's WebSocket.

use std::time::Duration;

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Stack;

/// How long a message may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: Json,
}

/// The answer to a handshake.
#[derive(Debug)]
pub enum Handshake {
    /// It is open.
    Open(Box<Socket>),
    /// It is refused, with this status.
    Refused(u16),
}

impl Stack {
    /// Asks for the socket at a path, with a query maybe, and a key in the header.
    pub async fn handshake(&self, path: &str, key: Option<&str>) -> anyhow::Result<Handshake> {
        let mut request = format!("{}{path}", self.url.replacen("http", "ws", 1)).into_client_request()?;
        if let Some(key) = key {
            request.headers_mut().insert("X-API-Key", key.parse()?);
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Handshake::Open(Box::new(Socket { stream, last: Json::Null }))),
            Err(Error::Http(answer)) => Ok(Handshake::Refused(answer.status().as_u16())),
            Err(error) => Err(error.into()),
        }
    }

    /// The socket of a job, which must open.
    pub async fn socket(&self, job: impl std::fmt::Display, key: &str) -> anyhow::Result<Socket> {
        match self.handshake(&format!("/ws/jobs/{job}"), Some(key)).await? {
            Handshake::Open(socket) => Ok(*socket),
            Handshake::Refused(status) => bail!("refused with {status}"),
        }
    }
}

impl Socket {
    /// The next that is told; none once the socket is closed.
    pub async fn next(&mut self) -> anyhow::Result<Option<Json>> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.context("nothing was told")? {
                Some(Ok(Message::Text(text))) => {
                    self.last = serde_json::from_str(&text)?;
                    return Ok(Some(self.last.clone()));
                }
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// The next news: what is told again, as a sign of life, is passed over.
    pub async fn news(&mut self) -> anyhow::Result<Option<Json>> {
        let known = self.last.clone();
        loop {
            let told = self.next().await?;
            if told.as_ref() != Some(&known) {
                return Ok(told);
            }
        }
    }

    /// Sends something.
    pub async fn send(&mut self, message: Message) -> anyhow::Result<()> {
        Ok(self.stream.send(message).await?)
    }
}
