//! What came of each attempt, kept for a month.

use serde::{Deserialize, Serialize};
use table::{Key, Millis, Query, Table, TableError, cursor};
use uuid::Uuid;

use crate::keys::{attempt_key, attempts_of, is_attempt_place};

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was delivered: the `webhook-id`.
    pub delivery_id: String,
    /// The event's name.
    pub event: String,
    /// The task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// How many attempts there were, this one included.
    pub number: u64,
    /// When it began.
    pub attempted_at: Millis,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// The beginning of the answer's body, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
    /// Why it counts as failed; none if it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it is tried again; none if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Millis>,
}

/// Attempts as they are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPage {
    /// The attempts, the newest first.
    pub attempts: Vec<Attempt>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
}

/// An attempt with its key, as it is stored.
#[derive(Serialize)]
pub(crate) struct Stored<'attempt> {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) expires_at: u64,
    #[serde(flatten)]
    pub(crate) attempt: &'attempt Attempt,
}

/// A page of an endpoint's attempts, after the place that `after` is a cursor of; none if that is no cursor.
pub(crate) async fn list(
    table: &Table,
    user: &str,
    endpoint: Uuid,
    limit: u32,
    after: Option<&str>,
) -> Result<Option<AttemptPage>, TableError> {
    let start = match after.map(|text| cursor::read::<String>(text).filter(|place| is_attempt_place(place))) {
        None => None,
        Some(None) => return Ok(None),
        Some(Some(place)) => Some(attempt_key(user, endpoint, &place).into_item()),
    };
    let query = Query::new(attempts_of(user, endpoint)).descending(true).limit(limit).start(start);
    let page = table.query::<Attempt>(query).await?;
    let last = page.next.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
    let prefix = attempt_key(user, endpoint, "").sk;
    let next_cursor = last.and_then(|sk| cursor::write(&sk.strip_prefix(&prefix)?));
    Ok(Some(AttemptPage { attempts: page.items, next_cursor }))
}
