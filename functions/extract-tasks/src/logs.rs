//! `/tasks/{task_id}/logs`.

use api::extract_cloud::{Caller, Error, Path, Reply};
use api::identity::Permission;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use input::schema::moment;
use jobs::{Level, LoggedLine};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::document::{LogQueryParameters, TaskPath};
use crate::{App, query};

/// A page of a task's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogPage {
    task_id: Uuid,
    logs: Vec<LogView>,
    total_count: u64,
    page: u32,
    page_size: u32,
}

/// A line of a task's log.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a987fbc9-4bed-5078-9f07-9141ba07c9f3", "task_id": "550e8400-e29b-41d4-a716-446655440000", "level": "INFO",
    "message": "Task started", "timestamp": "2024-01-15T10:30:01Z", "metadata": {"pages": 1},
}))]
struct LogView {
    id: Uuid,
    task_id: Uuid,
    level: Level,
    message: String,
    #[schema(schema_with = moment)]
    timestamp: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Json>,
}

/// `GET /tasks/{task_id}/logs`: what the workers said of the task, in order.
#[utoipa::path(get, path = "/tasks/{task_id}/logs", tag = "Extraction tasks", params(TaskPath, LogQueryParameters),
    responses((status = 200, body = LogPage)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    RawQuery(raw): RawQuery,
) -> Result<Reply<LogPage>, Error> {
    caller.require(Permission::TasksRead)?;
    let query::LogQuery { page, page_size } = query::logs(raw.as_deref())?;
    let task = app.tasks.get(&caller.user_id, id).await?.ok_or(Error::NotFound("Task not found"))?;
    let first = u64::from(page - 1) * u64::from(page_size) + 1;
    let last = first + u64::from(page_size) - 1;
    let lines = if first <= task.job.log_lines { app.tasks.log(&task, first, last).await? } else { Vec::new() };
    let total_count = task.job.log_lines;
    let logs = lines.into_iter().map(|line| view(id, line)).collect();
    Ok(Reply(StatusCode::OK, LogPage { task_id: id, logs, total_count, page, page_size }))
}

/// A line has the same id whenever it is asked for: it is made of the task's and the line's number.
fn view(task_id: Uuid, line: LoggedLine) -> LogView {
    LogView {
        id: Uuid::new_v5(&task_id, &line.number.to_be_bytes()),
        task_id,
        level: line.level,
        message: line.message,
        timestamp: line.at.to_string(),
        metadata: line.metadata,
    }
}
