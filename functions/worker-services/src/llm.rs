//! `/api/llm`: texts by language models.

use api::worker::{Body, Caller, Error, Idempotent};
use axum::Json as Answer;
use axum::extract::State;
use serde_json::{Value as Json, json};

use crate::once::Work;
use crate::{App, input};

/// `POST /api/llm/generate`: has a text written.
pub(crate) async fn generate(
    State(app): State<App>,
    caller: Caller,
    idempotent: Idempotent,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let deadline = app.llm.deadline();
    let (provider, prompt) = input::prompt(&body, &app.texts)?;
    let task = match Work::take_on(&app.records, (&caller, &idempotent, &body), deadline).await? {
        Work::Do(task) => task,
        Work::Done(answer) => return Ok(Answer(answer)),
    };
    match app.llm.generate(provider, &prompt, deadline).await {
        Ok(content) => Ok(Answer(task.done(json!({"success": true, "content": content})).await)),
        Err(fault) => {
            tracing::error!(provider = provider.name(), model = prompt.model, %fault, "no text was written");
            task.let_go().await;
            Err(Error::internal(format!("The LLM service {} {fault}", provider.name())))
        }
    }
}
