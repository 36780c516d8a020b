//! What one owner may use of the network.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// What has been used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Bytes, sent and received.
    Bytes,
    /// Connections.
    Connections,
}

/// What one owner may still use.
#[derive(Clone, Debug)]
pub struct Allowance(Arc<Left>);

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    connections: AtomicUsize,
    exhausted: watch::Sender<Option<Exhausted>>,
}

impl Allowance {
    /// So many bytes, sent and received, and so many connections.
    #[must_use]
    pub fn new(bytes: u64, connections: usize) -> Self {
        let (exhausted, _) = watch::channel(None);
        Self(Arc::new(Left { bytes: AtomicU64::new(bytes), connections: AtomicUsize::new(connections), exhausted }))
    }

    /// Comes when something has been used up.
    pub async fn exhausted(&self) -> Exhausted {
        let mut exhausted = self.0.exhausted.subscribe();
        match exhausted.wait_for(Option::is_some).await.map(|what| *what) {
            Ok(Some(what)) => what,
            // It has no end of its own.
            _ => std::future::pending().await,
        }
    }

    pub(crate) fn take_connection(&self) {
        let take = |left: usize| left.checked_sub(1);
        if self.0.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            self.0.exhausted.send_replace(Some(Exhausted::Connections));
        }
    }

    fn take_bytes(&self, bytes: usize) -> io::Result<()> {
        let take = |left: u64| left.checked_sub(bytes as u64);
        if self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            return Ok(());
        }
        self.0.exhausted.send_replace(Some(Exhausted::Bytes));
        Err(io::Error::other("the bytes are used up"))
    }
}

/// A stream whose bytes count.
pub(crate) struct Metered<S> {
    stream: S,
    allowance: Allowance,
}

impl<S> Metered<S> {
    pub(crate) const fn new(stream: S, allowance: Allowance) -> Self {
        Self { stream, allowance }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.allowance.take_bytes(buffer.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        Poll::Ready(self.allowance.take_bytes(written).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn bytes_count_both_ways_until_they_are_used_up() {
        let allowance = Allowance::new(10, 0);
        let (ours, mut theirs) = duplex(64);
        let mut ours = Metered::new(ours, allowance.clone());
        ours.write_all(b"12345").await.unwrap();
        theirs.write_all(b"67890").await.unwrap();
        ours.read_exact(&mut [0; 5]).await.unwrap();
        theirs.write_all(b"1").await.unwrap();
        assert!(ours.read_u8().await.is_err());
        assert_eq!(allowance.exhausted().await, Exhausted::Bytes);
    }

    #[tokio::test]
    async fn connections_are_counted() {
        let allowance = Allowance::new(0, 1);
        allowance.take_connection();
        assert_eq!(*allowance.0.exhausted.borrow(), None);
        allowance.take_connection();
        assert_eq!(allowance.exhausted().await, Exhausted::Connections);
    }
}
