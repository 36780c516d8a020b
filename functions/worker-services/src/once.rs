//! A request that is paid for, and the idempotency key that it may come with.

use std::time::Duration;

use api::worker::{Caller, Error, Idempotent};
use serde_json::Value as Json;
use tokio::time::Instant;
use worker::{Hold, Records, Turn};

/// How long a request is its first caller's while nothing has come of it: longer than a function may run.
const HELD: Duration = Duration::from_secs(30);
/// How often it is looked whether somebody else's work has come to something.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A request that is this function's to answer.
pub(crate) struct Task<'app> {
    records: &'app Records,
    /// None without a key: then nothing is remembered.
    hold: Option<Hold>,
    /// What the provider calls what an earlier request has begun.
    pub(crate) begun: Option<String>,
}

/// What there is to do for a request.
pub(crate) enum Work<'app> {
    /// This.
    Do(Task<'app>),
    /// Nothing: it was answered so.
    Done(Json),
}

impl<'app> Work<'app> {
    /// Takes a request on. Where others are at the same, waits for what comes of it until `deadline`.
    pub(crate) async fn take_on(
        records: &'app Records,
        (caller, idempotent, body): (&Caller, &Idempotent, &Json),
        deadline: Instant,
    ) -> Result<Self, Error> {
        let Some(key) = idempotent.key(&caller.key_id, body) else {
            return Ok(Self::Do(Task { records, hold: None, begun: None }));
        };
        loop {
            let (hold, begun) = match records.take_on(&key, HELD).await? {
                Turn::Done(answer) => return Ok(Self::Done(answer)),
                Turn::Ours(hold) => (hold, None),
                Turn::Begun(hold, begun) => (hold, Some(begun)),
                Turn::Others if Instant::now() + LOOK_AGAIN < deadline => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    continue;
                }
                Turn::Others => {
                    return Err(Error::internal("A request with this Idempotency-Key is under way; send it again"));
                }
            };
            return Ok(Self::Do(Task { records, hold: Some(hold), begun }));
        }
    }
}

impl Task<'_> {
    /// Remembers what the provider calls what is under way. What is paid for already goes on, remembered or not.
    pub(crate) async fn note_begun(&self, begun: &str) {
        if let Some(hold) = &self.hold
            && let Err(error) = self.records.note_begun(hold, begun).await
        {
            tracing::error!(%error, begun, "what a provider has begun is not remembered");
        }
    }

    /// Remembers the answer, and gives it. It is given, remembered or not.
    pub(crate) async fn done(&self, answer: Json) -> Json {
        if let Some(hold) = &self.hold
            && let Err(error) = self.records.note_done(hold, &answer).await
        {
            tracing::error!(%error, "an answer is not remembered");
        }
        answer
    }

    /// Leaves it to the next request to begin anew.
    pub(crate) async fn let_go(&self) {
        if let Some(hold) = &self.hold
            && let Err(error) = self.records.let_go(hold).await
        {
            tracing::warn!(%error, "a request stays taken until its hold runs out");
        }
    }
}
