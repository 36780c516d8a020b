//! Letters as they are shown.

use input::schema::moment;
use jobs::{DeadLetter, Redriven};
use operations::LetterPage;
use serde::Serialize;
use table::TableError;
use utoipa::ToSchema;

/// A message that kept failing.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter, example = json!({
    "id": "extract.1705314600000.5e0ff5b7-7f4a-4c6b-9d29-5f1b3a2f0c11", "queue": "extract",
    "body": "{\"pk\":\"USER#u\",\"sk\":\"TASK#550e8400-e29b-41d4-a716-446655440000\"}", "sent_at": "2024-01-15T10:30:00Z",
    "verdict": "its job was failed", "redriven_at": null,
}))]
pub(crate) struct LetterView {
    id: String,
    queue: String,
    body: String,
    #[schema(schema_with = moment)]
    sent_at: String,
    verdict: String,
    redriven_at: Option<String>,
}

/// A page of letters.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub(crate) struct LettersView {
    letters: Vec<LetterView>,
    next_cursor: Option<String>,
}

/// What came of redriving a letter.
#[derive(Serialize, ToSchema)]
#[schema(as = RedrivenLetter)]
pub(crate) struct RedrivenView {
    id: String,
    /// `taken_up`, `sent_again`, `redriven_before`, `impossible`, or `failed`: that one can be tried again.
    outcome: &'static str,
    /// Why it is impossible, or has failed.
    reason: Option<&'static str>,
}

/// What came of redriving a page of letters.
#[derive(Serialize, ToSchema)]
#[schema(as = RedrivenLetters)]
pub(crate) struct RedrivenPage {
    pub(crate) letters: Vec<RedrivenView>,
    pub(crate) next_cursor: Option<String>,
}

/// How many letters were purged.
#[derive(Serialize, ToSchema)]
#[schema(as = PurgedLetters)]
pub(crate) struct Purged {
    pub(crate) purged: usize,
    /// Whether there may be more.
    pub(crate) more: bool,
}

impl From<DeadLetter> for LetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id().to_string(),
            queue: letter.queue,
            body: letter.body,
            sent_at: letter.sent_at.to_string(),
            verdict: letter.verdict,
            redriven_at: letter.redriven_at.map(|at| at.to_string()),
        }
    }
}

impl From<LetterPage> for LettersView {
    fn from(page: LetterPage) -> Self {
        let next_cursor = page.next.map(|next| next.to_string());
        Self { letters: page.letters.into_iter().map(LetterView::from).collect(), next_cursor }
    }
}

impl RedrivenView {
    pub(crate) fn of(letter: &DeadLetter, redriven: Result<Redriven, TableError>) -> Self {
        let (outcome, reason) = match redriven {
            Ok(Redriven::Waits) => ("taken_up", None),
            Ok(Redriven::Sent) => ("sent_again", None),
            Ok(Redriven::Before) => ("redriven_before", None),
            Ok(Redriven::Impossible(why)) => ("impossible", Some(why)),
            Err(error) => {
                tracing::warn!(%error, letter = %letter.id(), "a letter was not redriven");
                ("failed", Some("its table or queue did not answer"))
            }
        };
        Self { id: letter.id().to_string(), outcome, reason }
    }
}
