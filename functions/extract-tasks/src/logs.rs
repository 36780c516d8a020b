//! `/tasks/{task_id}/logs`.

use api::extract_cloud::{Caller, Error, Path, Reply};
use api::identity::Permission;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use jobs::{Level, LoggedLine};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{App, query};

/// A page of a task's log.
#[derive(Serialize)]
pub(crate) struct LogPage {
    task_id: Uuid,
    logs: Vec<LogView>,
    total_count: u64,
    page: u32,
    page_size: u32,
}

#[derive(Serialize)]
struct LogView {
    id: Uuid,
    task_id: Uuid,
    level: Level,
    message: String,
    timestamp: String,
    metadata: Map<String, Json>,
}

/// `GET /tasks/{task_id}/logs`: what the workers said of the task, in order.
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
