//! The browser's own protocol (CDP) over the browser's pipe: JSON messages, each ended by a zero byte.
//!
//! A pipe and no port: nothing but this process can say anything to the browser, whatever its pages or other processes try.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The largest message that is read: a page's text, with all its characters escaped.
const LARGEST_MESSAGE: u64 = 128 * 1024 * 1024;
/// How many events of a page may wait. One that makes more than can be dealt with is given up.
const WAITING_EVENTS: usize = 4_096;
/// How long the browser may take for what has nothing to do with what is in a page.
const COMMAND_LIMIT: Duration = Duration::from_secs(15);

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum CdpError {
    /// The browser is gone, or does not answer.
    #[error("the browser is gone")]
    Gone,
    /// The browser refused the command.
    #[error("the browser refused: {0}")]
    Refused(String),
}

/// Something that happened in a page.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) method: String,
    pub(crate) params: Json,
}

/// The connection to one browser.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    out: mpsc::UnboundedSender<Vec<u8>>,
    next_id: AtomicU64,
    open: Mutex<Open>,
}

/// What waits for messages; nothing does once the connection is closed.
#[derive(Debug, Default)]
struct Open {
    closed: bool,
    answers: HashMap<u64, oneshot::Sender<Result<Json, CdpError>>>,
    sessions: HashMap<String, mpsc::Sender<Event>>,
}

impl Connection {
    /// Speaks over this stream until it ends.
    pub(crate) fn over(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        let (out, to_write) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { out, next_id: AtomicU64::new(1), open: Mutex::default() });
        tokio::spawn(send(write, to_write));
        // It holds no sender: when the last connection is dropped, the writer ends, and with it the stream.
        tokio::spawn(receive(read, Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Whether the browser has hung up.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.open().closed
    }

    /// Has the browser do something that does not depend on a page, and gives its answer.
    pub(crate) async fn command(&self, method: &str, params: Json) -> Result<Json, CdpError> {
        timeout(COMMAND_LIMIT, self.call(None, method, &params)).await.unwrap_or(Err(CdpError::Gone))
    }

    /// Tells the browser to do something, and does not wait until it has.
    pub(crate) fn tell(&self, method: &str, params: &Json) {
        self.0.write(self.0.next_id(), None, method, params);
    }

    /// The page whose session this is, and what happens in it.
    pub(crate) fn session(&self, id: String) -> (Session, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(WAITING_EVENTS);
        self.0.open().sessions.insert(id.clone(), events);
        (Session { connection: self.clone(), id }, receiver)
    }

    async fn call(&self, session: Option<&str>, method: &str, params: &Json) -> Result<Json, CdpError> {
        let id = self.0.next_id();
        let (sender, answer) = oneshot::channel();
        {
            let mut open = self.0.open();
            if open.closed {
                return Err(CdpError::Gone);
            }
            open.answers.insert(id, sender);
        }
        let _forgotten = Forget { shared: &self.0, id };
        self.0.write(id, session, method, params);
        answer.await.unwrap_or(Err(CdpError::Gone))
    }
}

/// One page, as the protocol sees it.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    id: String,
}

impl Session {
    /// Has the page do something, and gives its answer, however long that takes: a page may be busy.
    pub(crate) async fn call(&self, method: &str, params: Json) -> Result<Json, CdpError> {
        self.connection.call(Some(&self.id), method, &params).await
    }

    /// Tells the page to do something, and does not wait until it has.
    pub(crate) fn tell(&self, method: &str, params: &Json) {
        self.connection.0.write(self.connection.0.next_id(), Some(&self.id), method, params);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.0.open().sessions.remove(&self.id);
    }
}

/// Forgets a command that nobody waits for any more.
struct Forget<'connection> {
    shared: &'connection Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.open().answers.remove(&self.id);
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// If the browser is gone nobody reads this; whoever waits for an answer is told so.
    fn write(&self, id: u64, session: Option<&str>, method: &str, params: &Json) {
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let _ = self.out.send(bytes);
    }

    fn take(&self, mut message: Json) {
        let mut open = self.open();
        if let Some(id) = message["id"].as_u64() {
            let Some(waiting) = open.answers.remove(&id) else { return };
            let refusal = message["error"]["message"].as_str().map(|reason| CdpError::Refused(reason.to_owned()));
            // Whoever has waited may have gone.
            let _ = waiting.send(refusal.map_or_else(|| Ok(message["result"].take()), Err));
        } else if let (Some(session), Some(method)) = (message["sessionId"].as_str(), message["method"].as_str()) {
            let Some(events) = open.sessions.get(session) else { return };
            let (session, event) =
                (session.to_owned(), Event { method: method.to_owned(), params: message["params"].clone() });
            if events.try_send(event).is_err() {
                // The page ends with its events.
                open.sessions.remove(&session);
            }
        }
    }

    fn close(&self) {
        let mut open = self.open();
        *open = Open { closed: true, ..Open::default() };
    }
}

async fn send(mut stream: OwnedWriteHalf, mut messages: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(message) = messages.recv().await {
        if stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn receive(stream: OwnedReadHalf, shared: std::sync::Weak<Shared>) {
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    let mut message = Vec::new();
    loop {
        message.clear();
        let read = (&mut stream).take(LARGEST_MESSAGE).read_until(0, &mut message).await;
        let Some(shared) = shared.upgrade() else { return };
        if read.is_err() || message.pop() != Some(0) {
            return shared.close();
        }
        match serde_json::from_slice(&message) {
            Ok(message) => shared.take(message),
            Err(error) => tracing::warn!(%error, "a message of the browser cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser that answers each command as `answer` says, and the connection to it.
    fn browser(answer: impl Fn(&Json) -> Vec<Json> + Send + 'static) -> Connection {
        let (ours, theirs) = UnixStream::pair().unwrap();
        tokio::spawn(async move {
            let (read, mut write) = theirs.into_split();
            let (mut read, mut message) = (BufReader::new(read), Vec::new());
            while read.read_until(0, &mut message).await.is_ok_and(|length| length > 0) {
                for each in answer(&serde_json::from_slice(&message[..message.len() - 1]).unwrap()) {
                    write.write_all(format!("{each}\0").as_bytes()).await.unwrap();
                }
                message.clear();
            }
        });
        Connection::over(ours)
    }

    #[tokio::test]
    async fn answers_find_who_asked_and_events_their_page() {
        let connection = browser(|command| {
            let (id, session) = (&command["id"], &command["sessionId"]);
            vec![
                json!({"method": "Page.loaded", "params": {"of": session}, "sessionId": session}),
                json!({"method": "Target.created", "params": {}}),
                match command["method"].as_str().unwrap() {
                    "wrong" => json!({"id": id, "error": {"code": -1, "message": "no such method"}}),
                    method => json!({"id": id, "result": {"did": method}}),
                },
            ]
        });
        let (one, mut of_one) = connection.session("one".to_owned());
        let (two, mut of_two) = connection.session("two".to_owned());
        let answers = tokio::join!(
            one.call("first", json!({})),
            two.call("second", json!({})),
            connection.command("third", json!({})),
            one.call("wrong", json!({})),
        );
        assert_eq!(answers.0.unwrap()["did"], "first");
        assert_eq!(answers.1.unwrap()["did"], "second");
        assert_eq!(answers.2.unwrap()["did"], "third");
        assert_eq!(answers.3.unwrap_err(), CdpError::Refused("no such method".to_owned()));
        for (events, name) in [(&mut of_one, "one"), (&mut of_two, "two")] {
            let event = events.recv().await.unwrap();
            assert_eq!((event.method.as_str(), &event.params["of"]), ("Page.loaded", &json!(name)));
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_told_that_the_browser_is_gone() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let connection = Connection::over(ours);
        let (session, mut events) = connection.session("one".to_owned());
        let (answer, ()) = tokio::join!(session.call("anything", json!({})), async move { drop(theirs) });
        assert_eq!(answer, Err(CdpError::Gone));
        assert!(events.recv().await.is_none());
        assert!(connection.is_closed());
        assert_eq!(connection.command("anything", json!({})).await, Err(CdpError::Gone));
    }

    #[tokio::test]
    async fn a_page_that_makes_more_events_than_are_dealt_with_ends() {
        let connection = browser(|command| {
            let event = json!({"method": "Page.loaded", "params": {}, "sessionId": "one"});
            let mut messages = vec![event; WAITING_EVENTS + 1];
            messages.push(json!({"id": command["id"], "result": {}}));
            messages
        });
        let (_session, mut events) = connection.session("one".to_owned());
        connection.command("flood", json!({})).await.unwrap();
        for _ in 0..WAITING_EVENTS {
            assert!(events.recv().await.is_some());
        }
        assert!(events.recv().await.is_none());
    }
}
