//! Many letters at once: a page of them is redriven, or those of a queue are purged.

use api::extract_cloud::{Caller, Error, Reply};
use api::query::Parameters;
use axum::extract::State;
use axum::http::StatusCode;
use input::Fault;
use operations::QUEUES;

use crate::document::{LetterQuery, QueueQuery};
use crate::letters::page;
use crate::view::{Purged, RedrivenPage, RedrivenView};
use crate::{App, operator};

/// How many letters one request purges, at most: it has seconds, and a batch of 25 is a request of DynamoDB's.
const MOST_PURGED: u32 = 1_000;

/// `POST /admin/dead-letters/redrive`: redrives a page of letters, the newest of each queue first, and says of each what came of it. The next page follows
/// with its cursor.
#[utoipa::path(post, path = "/admin/dead-letters/redrive", tag = "System", params(LetterQuery), responses((status = 200, body = RedrivenPage)))]
pub(crate) async fn redrive(
    State(app): State<App>,
    caller: Caller,
    query: Parameters,
) -> Result<Reply<RedrivenPage>, Error> {
    let by = operator(&caller)?;
    let page = page(&app, &query).await?;
    let mut letters = Vec::with_capacity(page.letters.len());
    for letter in &page.letters {
        let redriven = app.operations.redrive(&by, letter).await?;
        letters.push(RedrivenView::of(letter, redriven));
    }
    let next_cursor = page.next.map(|next| next.to_string());
    Ok(Reply(StatusCode::OK, RedrivenPage { letters, next_cursor }))
}

/// `DELETE /admin/dead-letters`: deletes the letters of a queue, up to a thousand at once. Of their jobs nothing changes.
#[utoipa::path(delete, path = "/admin/dead-letters", tag = "System", params(QueueQuery), responses((status = 200, body = Purged)))]
pub(crate) async fn purge(State(app): State<App>, caller: Caller, query: Parameters) -> Result<Reply<Purged>, Error> {
    let by = operator(&caller)?;
    let queue = query.word("queue", &QUEUES)?.ok_or_else(|| Fault::new("queue", "is required"))?;
    let purged = app.operations.purge_some(&by, QUEUES[queue], MOST_PURGED).await?;
    Ok(Reply(StatusCode::OK, Purged { purged, more: purged >= MOST_PURGED as usize }))
}
