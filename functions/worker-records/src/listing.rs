//! What administrators see of any kind of record: all of them, page by page, and one.

use api::query::Parameters;
use api::worker::{Administrator, Error, Number, page};
use axum::Json as Answer;
use axum::extract::State;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::App;
use crate::view::View;

/// `GET /api/…?limit=&cursor=`: all of a kind, the newest first.
pub(crate) async fn list<R: View + DeserializeOwned>(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<Json>, Error> {
    let page = page(&given, async |limit, after| app.records.list::<R>(R::KIND, limit, after).await).await?;
    let now = app.clock.now();
    let records: Vec<_> = page.records.iter().map(|record| record.shown(now)).collect();
    Ok(Answer(json!({R::MANY: records, "next_cursor": page.next})))
}

/// `GET /api/…/{id}`
pub(crate) async fn show<R: View + DeserializeOwned>(
    State(app): State<App>,
    _: Administrator,
    Number(id): Number,
) -> Result<Answer<Json>, Error> {
    let record: R = app.records.find(R::KIND, id).await?.ok_or_else(missing::<R>)?;
    Ok(Answer(json!({R::ONE: record.shown(app.clock.now())})))
}

/// There is no such record.
pub(crate) fn missing<R: View>() -> Error {
    Error::not_found(format!("{} not found", R::TITLE))
}
