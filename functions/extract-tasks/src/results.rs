//! `/tasks/{task_id}/download`.

use api::extract_cloud::{Caller, Error, Path};
use api::identity::Permission;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use extract::{OwnConfig, Task};

use crate::App;
use crate::document::TaskPath;
use crate::query::{self, Content};

/// A result of up to so many bytes is sent in the answer itself, so that a client need not follow a redirect; a function's answer can
/// have 6 MB, escaped. A larger one is fetched from the object store.
const LARGEST_INLINE: u64 = 4 * 1024 * 1024;

/// `GET /tasks/{task_id}/download`: the file, or the way to it. Of a monitoring task `?content=changes` gives what has changed.
#[utoipa::path(get, path = "/tasks/{task_id}/download", tag = "Extraction tasks",
    params(TaskPath, ("content" = Option<Content>, Query, description = "Of a monitoring task: its values, or what has changed")),
    responses(
        (status = 200, description = "The file", headers(
            ("Content-Disposition" = String, description = "As which file to keep it")),
            content((Vec<Object> = "application/json"), (String = "text/csv; charset=utf-8"))),
        (status = 302, description = "The file is at this address for some minutes", headers(
            ("Location" = String, description = "Where the file is")))))]
pub(crate) async fn download(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    RawQuery(raw): RawQuery,
) -> Result<Response, Error> {
    caller.require(Permission::ResultsRead)?;
    let content = query::content(raw.as_deref())?;
    let task = app.tasks.get(&caller.user_id, id).await?.ok_or(Error::NotFound("Task not found"))?;
    let missing = Error::NotFound("This task has no results (yet); its status is in GET /tasks/{task_id}");
    let key = task.job.result_key.as_deref().ok_or(missing)?;
    match (content, &task.config.own) {
        (Content::Values, _) => send(&app, &task, key, task.file_name(), task.job.result_bytes).await,
        (Content::Changes, OwnConfig::Monitoring(_)) => {
            send(&app, &task, &Task::changes_key(key), Task::changes_key(&task.file_name()), None).await
        }
        (Content::Changes, _) => Err(Error::invalid("content", "only a monitoring task has changes")),
    }
}

/// A file, or the way to it; its size where that is known.
async fn send(app: &App, task: &Task, key: &str, name: String, size: Option<u64>) -> Result<Response, Error> {
    // What is no text API Gateway would spoil, unless a client's Accept names it first.
    let form = task.config.result_form();
    if !form.is_text() || size.is_some_and(is_large) {
        return redirect(app, key, &name).await;
    }
    let bytes = app.results.read(key).await.map_err(failed)?;
    if is_large(bytes.len() as u64) {
        return redirect(app, key, &name).await;
    }
    let headers = [
        (header::CONTENT_TYPE, form.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

async fn redirect(app: &App, key: &str, name: &str) -> Result<Response, Error> {
    let address = app.results.address(key, name).await.map_err(failed)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}

const fn is_large(bytes: u64) -> bool {
    bytes > LARGEST_INLINE
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err wants it")]
fn failed(error: jobs::ResultsError) -> Error {
    tracing::error!(%error, "a result was not read");
    Error::Internal
}
