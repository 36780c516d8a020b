//! `/api/llm`: texts by language models.

use api::worker::{Body, Caller, Error, IdempotencyHeader, Idempotent};
use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use crate::document::PromptBody;

use crate::once::Work;
use crate::{App, input};

/// A text that was written.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"success": true, "content": "Great article! SEO tools are essential…"}))]
pub(crate) struct Written {
    success: bool,
    content: String,
}

/// `POST /api/llm/generate`: has a text written.
#[utoipa::path(post, path = "/api/llm/generate", tag = "Worker services", params(IdempotencyHeader),
    request_body = PromptBody, responses((status = 200, body = Written)))]
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
        Ok(content) => Ok(Answer(task.done(json!(Written { success: true, content })).await)),
        Err(fault) => {
            tracing::error!(provider = provider.name(), model = prompt.model, %fault, "no text was written");
            task.let_go().await;
            Err(Error::internal(format!("The LLM service {} {fault}", provider.name())))
        }
    }
}
