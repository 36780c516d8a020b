//! What workers do with backlinks and site accounts: make them, and change them.

use api::worker::{Body, Caller, Error, Idempotent, Number};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use input::{form, form_needing};
use serde_json::{Value as Json, json};
use worker::{Fields, Numbering, Tracked};

use crate::App;
use crate::listing::missing;
use crate::view::View;

/// `POST /api/…`: makes one.
pub(crate) async fn create<R: Tracked + View>(
    State(app): State<App>,
    caller: Caller,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<(StatusCode, Answer<Json>), Error> {
    let new: R::Fields = form_needing(&body, R::Fields::NEEDED)?;
    let key = idempotent.key(&caller.key_id, &body);
    let Numbering { first, at } = app.records.numbers(R::KIND, 1, key.as_ref()).await?;
    let record = new.at(first, at);
    app.records.make(std::slice::from_ref(&record)).await?;
    let message = format!("{} created successfully", R::TITLE);
    Ok((StatusCode::CREATED, Answer(json!({"message": message, R::ONE: record.shown(at)}))))
}

/// `PUT /api/…/{id}`: changes any of its fields.
pub(crate) async fn update<R: Tracked + View>(
    State(app): State<App>,
    _: Caller,
    Number(id): Number,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let change = form::<R::Fields>(&body)?.change();
    if change.is_empty() {
        return Err(nothing_to_change());
    }
    app.records.change::<R>(R::KIND, id, change).await?.ok_or_else(missing::<R>)?;
    Ok(Answer(json!({"message": format!("{} updated successfully", R::TITLE)})))
}

/// A change of nothing.
pub(crate) fn nothing_to_change() -> Error {
    Error::bad_request("There is nothing to change: the body has none of the fields")
}
