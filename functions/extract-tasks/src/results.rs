//! `/tasks/{task_id}/download`.

use api::extract_cloud::{Caller, Error, Path};
use api::identity::Permission;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::document::TaskPath;

/// A result of up to so many bytes is sent in the answer itself, so that a client need not follow a redirect; a function's answer can
/// have 6 MB, escaped. A larger one is fetched from the object store.
const LARGEST_INLINE: u64 = 4 * 1024 * 1024;

/// `GET /tasks/{task_id}/download`: the file, or the way to it.
#[utoipa::path(get, path = "/tasks/{task_id}/download", tag = "Extraction tasks", params(TaskPath),
    responses(
        (status = 200, description = "The file", headers(
            ("Content-Disposition" = String, description = "As which file to keep it")),
            content((Vec<Object> = "application/json"), (String = "text/csv; charset=utf-8"))),
        (status = 302, description = "The file is at this address for some minutes", headers(
            ("Location" = String, description = "Where the file is")))))]
pub(crate) async fn download(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Response, Error> {
    caller.require(Permission::ResultsRead)?;
    let task = app.tasks.get(&caller.user_id, id).await?.ok_or(Error::NotFound("Task not found"))?;
    let missing = Error::NotFound("This task has no results (yet); its status is in GET /tasks/{task_id}");
    let key = task.job.result_key.as_deref().ok_or(missing)?;
    let file_name = task.file_name();
    // What is no text API Gateway would spoil, unless a client's Accept names it first.
    let format = task.config.pages.output_format;
    if !format.is_text() || task.job.result_bytes.is_none_or(|bytes| bytes > LARGEST_INLINE) {
        let address = app.results.address(key, &file_name).await.map_err(failed)?;
        return Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response());
    }
    let bytes = app.results.read(key).await.map_err(failed)?;
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err wants it")]
fn failed(error: jobs::ResultsError) -> Error {
    tracing::error!(%error, "a result was not read");
    Error::Internal
}
