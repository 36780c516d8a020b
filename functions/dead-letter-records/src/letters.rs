//! `/admin/dead-letters` and `/admin/dead-letters/{letter_id}`.

use api::extract_cloud::{Caller, Error, Reply};
use api::query::Parameters;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use input::Fault;
use jobs::{DeadLetter, LetterId};
use operations::{LetterPage, QUEUES};

use crate::document::{LONGEST_ID, LetterPath, LetterQuery};
use crate::view::{LetterView, LettersView, Purged, RedrivenView};
use crate::{App, operator};

/// The id in a path. What is no letter's id names nothing: a 404.
pub(crate) struct Id(LetterId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<String>::from_request_parts(parts, state).await.ok();
        path.and_then(|Path(id)| LetterId::read(&id)).map(Self).ok_or_else(missing)
    }
}

pub(crate) const fn missing() -> Error {
    Error::NotFound("There is no such letter")
}

/// `GET /admin/dead-letters`: messages that kept failing, the newest of each queue first, by page.
#[utoipa::path(get, path = "/admin/dead-letters", tag = "System", params(LetterQuery), responses((status = 200, body = LettersView)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Parameters,
) -> Result<Reply<LettersView>, Error> {
    operator(&caller)?;
    Ok(Reply(StatusCode::OK, page(&app, &query).await?.into()))
}

/// The page of letters that a query asks for.
pub(crate) async fn page(app: &App, query: &Parameters) -> Result<LetterPage, Error> {
    let queue = query.word("queue", &QUEUES)?.map(|n| QUEUES[n]);
    let limit = u32::try_from(query.limit()?).unwrap_or_default();
    let wrong = || Fault::new("cursor", "must be a next_cursor of this list");
    let cursor = query.text("cursor", LONGEST_ID)?;
    let cursor = cursor.map(|cursor| LetterId::read(cursor).ok_or_else(wrong)).transpose()?;
    let is_of_list = |id: &LetterId| QUEUES.contains(&id.queue()) && queue.is_none_or(|queue| queue == id.queue());
    if cursor.as_ref().is_some_and(|cursor| !is_of_list(cursor)) {
        return Err(wrong().into());
    }
    Ok(app.operations.letters(queue, cursor.as_ref(), limit).await?)
}

/// `GET /admin/dead-letters/{letter_id}`: a letter.
#[utoipa::path(get, path = "/admin/dead-letters/{letter_id}", tag = "System", params(LetterPath),
    responses((status = 200, body = LetterView)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Reply<LetterView>, Error> {
    operator(&caller)?;
    Ok(Reply(StatusCode::OK, find(&app, &id).await?.into()))
}

async fn find(app: &App, id: &LetterId) -> Result<DeadLetter, Error> {
    app.operations.letter(id).await?.ok_or_else(missing)
}

/// `POST /admin/dead-letters/{letter_id}/redrive`: takes up again what a letter was for. A job that has failed waits for a worker again; of one that
/// goes on the message is sent again. A letter does it once.
#[utoipa::path(post, path = "/admin/dead-letters/{letter_id}/redrive", tag = "System", params(LetterPath),
    responses((status = 200, body = RedrivenView)))]
pub(crate) async fn redrive(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Reply<RedrivenView>, Error> {
    let by = operator(&caller)?;
    let letter = find(&app, &id).await?;
    let redriven = app.operations.redrive(&by, &letter).await?;
    Ok(Reply(StatusCode::OK, RedrivenView::of(&letter, redriven)))
}

/// `DELETE /admin/dead-letters/{letter_id}`: deletes a letter. Of its job nothing changes.
#[utoipa::path(delete, path = "/admin/dead-letters/{letter_id}", tag = "System", params(LetterPath),
    responses((status = 200, body = Purged)))]
pub(crate) async fn purge(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Reply<Purged>, Error> {
    let by = operator(&caller)?;
    if !app.operations.purge(&by, &id).await? {
        return Err(missing());
    }
    Ok(Reply(StatusCode::OK, Purged { purged: 1, more: false }))
}
