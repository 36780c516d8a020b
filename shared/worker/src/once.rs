//! What is paid for is done once, however often its request comes: an idempotency key remembers, for a day, who is at it, what the provider
//! calls it, and what came of it. Requests with the same key at the same time wait for one of them; one that comes later goes on where an
//! earlier one had to stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use table::{Condition, Key, Millis, TableError, Update, new_nonce};

use crate::idempotency::{IdempotencyError, IdempotencyKey, REMEMBERED, is_unused};
use crate::json_text::JsonText;
use crate::records::Records;

/// How often a record is looked for that other requests are just writing.
const TRIES: usize = 3;

/// The right to write down what comes of a request. It ends when somebody else takes the request on.
#[derive(Clone, Debug)]
pub struct Hold {
    place: Key,
    nonce: String,
}

/// How it stands with a request.
#[derive(Clone, Debug)]
pub enum Turn {
    /// Nobody is at it: the caller is, from now on.
    Ours(Hold),
    /// Something is under way at the provider, which calls it so.
    Begun(Hold, String),
    /// Somebody else is at it, and has nothing to show yet.
    Others,
    /// It was answered so.
    Done(Json),
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    #[serde(flatten)]
    key: Key,
    request: String,
    /// Who is at it.
    nonce: String,
    /// Until when nobody else begins.
    held_until: Millis,
    /// What the provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<JsonText>,
    /// Seconds since the epoch: when DynamoDB may delete it.
    expires_at: u64,
}

impl Remembered {
    fn turn(self, now: Millis) -> Option<Turn> {
        let hold = Hold { place: self.key, nonce: self.nonce };
        match (self.answer, self.begun) {
            (Some(answer), _) => Some(Turn::Done(answer.0)),
            (None, Some(begun)) => Some(Turn::Begun(hold, begun)),
            (None, None) if self.held_until > now => Some(Turn::Others),
            (None, None) => None,
        }
    }
}

impl Records {
    /// Takes a request on for `duration`, unless somebody has.
    pub async fn take_on(&self, key: &IdempotencyKey, duration: Duration) -> Result<Turn, IdempotencyError> {
        let (place, nonce) = (key.place(), new_nonce());
        for _ in 0..TRIES {
            let now = self.clock.now();
            let found: Option<Remembered> = self.table.get(&place).await?;
            let found = found.filter(|found| found.expires_at > now.epoch_seconds());
            let unchanged = match found {
                // An own write whose answer was lost.
                Some(found) if found.nonce == nonce => return Ok(Turn::Ours(Hold { place, nonce })),
                Some(found) if found.request != key.request() => return Err(IdempotencyError::Reused),
                Some(found) => {
                    let unchanged = Condition::equal("nonce", found.nonce.as_str());
                    match found.turn(now) {
                        Some(turn) => return Ok(turn),
                        None => unchanged,
                    }
                }
                None => is_unused(now),
            };
            let remembered = Remembered {
                key: place.clone(),
                request: key.request().to_owned(),
                nonce: nonce.clone(),
                held_until: now.after(duration),
                begun: None,
                answer: None,
                expires_at: now.after(REMEMBERED).epoch_seconds(),
            };
            match self.table.put(&remembered, unchanged).await {
                Ok(()) => return Ok(Turn::Ours(Hold { place, nonce })),
                Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Whoever was faster is at it.
        Ok(Turn::Others)
    }

    /// Writes down what the provider calls what is under way.
    pub async fn note_begun(&self, hold: &Hold, begun: &str) -> Result<(), TableError> {
        self.write_down(hold, Update::new().set("begun", begun)).await
    }

    /// Writes down what was answered.
    pub async fn note_done(&self, hold: &Hold, answer: &Json) -> Result<(), TableError> {
        self.write_down(hold, Update::new().set("answer", answer.to_string())).await
    }

    /// Lets go of a request of which nothing has come: the next one begins anew.
    pub async fn let_go(&self, hold: &Hold) -> Result<(), TableError> {
        self.write_down(hold, Update::new().set("held_until", Millis(0)).remove("begun")).await
    }

    /// Changes a record while it is held. One that is not any more stays as it is: its new holder knows better.
    async fn write_down(&self, hold: &Hold, change: Update) -> Result<(), TableError> {
        match self.table.update(&hold.place, change.when(Condition::equal("nonce", hold.nonce.as_str()))).await {
            Ok(_) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_anybodys_once_its_holder_is_gone_with_nothing_begun() {
        let record = |held_until, begun: Option<&str>, answer| Remembered {
            key: Key::new("IDEMPOTENCY#x", "RECORD"),
            request: "r".to_owned(),
            nonce: "n".to_owned(),
            held_until: Millis(held_until),
            begun: begun.map(str::to_owned),
            answer,
            expires_at: 100,
        };
        let turn = |record: Remembered| record.turn(Millis(1_000));
        assert!(turn(record(1_000, None, None)).is_none());
        assert!(matches!(turn(record(1_001, None, None)), Some(Turn::Others)));
        for held_until in [0, 2_000] {
            let begun = turn(record(held_until, Some("7"), None));
            assert!(matches!(begun, Some(Turn::Begun(_, id)) if id == "7"));
            let done = turn(record(held_until, Some("7"), Some(JsonText(json!({"a": 1})))));
            assert!(matches!(done, Some(Turn::Done(answer)) if answer == json!({"a": 1})));
        }
    }
}
