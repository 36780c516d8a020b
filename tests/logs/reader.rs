//! Clients that lose their connection: of a function whose answers are passed on as they are made, and of the deployed one, whose are not.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::event_source::{Event, EventSource};
use drover_tests::function::{FunctionProcess, Streamed};
use drover_tests::watchdog::Watchdog;
use reqwest::{Method, StatusCode};

use super::Tenant;

/// After how long a stream is come again to that has ended; where the client has come too often, it is told another.
const USUAL: Duration = Duration::from_secs(1);
/// How many functions answer in turn: one whose client has left goes on for its time.
const FUNCTIONS: usize = 4;
/// How long an answer lasts at most: it ends twelve seconds before its function is stopped.
pub(super) const SHORT: Duration = Duration::from_secs(14);
/// The same, of one that is to end by itself.
pub(super) const LONG: Duration = Duration::from_secs(29);

/// What becomes of the connections of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// How many of them are lost.
    pub(super) drops: usize,
    /// After how many bytes, at most.
    pub(super) bytes: usize,
}

/// A client that has seen something.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) source: EventSource,
    pub(super) seen: Vec<Event>,
    pub(super) lost: usize,
}

impl Reader {
    /// Reads a piece of a body, as much of it as comes before the connection is lost; says whether it is.
    fn read(&mut self, piece: &[u8], left: &mut Option<usize>) -> bool {
        let Some(bytes) = left else {
            self.seen.extend(self.source.read(piece));
            return false;
        };
        let arrived = piece.len().min(*bytes);
        self.seen.extend(self.source.read(&piece[..arrived]));
        *bytes -= arrived;
        let is_lost = *bytes == 0;
        if is_lost {
            self.source.lose();
            self.lost += 1;
        }
        is_lost
    }

    /// After how many bytes the next connection is lost; none: it is not.
    fn next_drop(&self, weather: Weather) -> Option<usize> {
        (self.lost < weather.drops).then(|| fastrand::usize(1..=weather.bytes))
    }
}

/// Functions that stream, as they would be behind a gateway that does.
pub(super) async fn functions(stack: &Stack, time_limit: Duration) -> anyhow::Result<Vec<FunctionProcess>> {
    let mut environment = stack.environment_of("log-stream").await?;
    environment.insert("RESPONSE_STREAMING".to_owned(), "true".to_owned());
    let mut functions = Vec::new();
    for _ in 0..FUNCTIONS {
        functions.push(FunctionProcess::start_within("log-stream", &environment, time_limit).await?);
    }
    Ok(functions)
}

/// Opens a stream of a tenant, where the reader was.
pub(super) async fn open(
    function: &FunctionProcess,
    tenant: &Tenant,
    path: &str,
    last_event_id: Option<&str>,
) -> anyhow::Result<Streamed> {
    let bearer = format!("Bearer {}", tenant.client.token);
    let mut headers = vec![("authorization", bearer.as_str()), ("accept", "text/event-stream")];
    headers.extend(last_event_id.map(|id| ("last-event-id", id)));
    function.open(path, &headers).await
}

/// Reads until so many events were seen, from functions that stream.
pub(super) async fn follow_streaming(
    functions: &[FunctionProcess],
    tenant: &Tenant,
    path: &str,
    wanted: usize,
    weather: Weather,
) -> anyhow::Result<Reader> {
    let (mut reader, mut watchdog) = (Reader::default(), Watchdog::default());
    for function in functions.iter().cycle() {
        watchdog.see((reader.seen.len(), reader.lost))?;
        let mut stream = open(function, tenant, path, reader.source.last_event_id.as_deref()).await?;
        ensure!(stream.status == 200, "{stream:?}");
        let mut left = reader.next_drop(weather);
        while let Some(piece) = stream.next().await {
            if reader.read(&piece, &mut left) {
                break;
            }
            if reader.seen.len() >= wanted && reader.lost >= weather.drops {
                return Ok(reader);
            }
        }
        // Where it has come too often, it is told when to come again.
        let retry = reader.source.retry.take().map_or(Duration::ZERO, Duration::from_millis);
        if retry > USUAL {
            tokio::time::sleep(retry).await;
        }
    }
    Ok(reader)
}

/// Reads until so many events were seen, over HTTP, from the deployed function.
pub(super) async fn follow_deployed(
    tenant: &Tenant,
    path: &str,
    wanted: usize,
    weather: Weather,
) -> anyhow::Result<Reader> {
    let (mut reader, mut watchdog) = (Reader::default(), Watchdog::default());
    while reader.seen.len() < wanted || reader.lost < weather.drops {
        watchdog.see((reader.seen.len(), reader.lost))?;
        let mut request = tenant.client.request(Method::GET, path);
        if let Some(id) = &reader.source.last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await?;
        ensure!(answer.status() == StatusCode::OK, "{answer:?}");
        let body = answer.bytes().await.context("no body")?;
        let mut left = reader.next_drop(weather);
        if !reader.read(&body, &mut left) {
            // As an EventSource would, but sooner: nobody else asks.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    Ok(reader)
}
