//! What workers do: see what is due, lock it, keep it, give it back, report on it.

use api::query::Parameters;
use api::worker::{Body, Caller, Error, Number, WorkerId};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value as Json, json};
use worker::{Holding, TaskError};

use crate::input::{self, LockForm, needed};
use crate::{App, view};

/// How many tasks `pending` shows unless it is asked for more or fewer.
const USUAL_TASKS: u64 = 50;
/// How many it shows at most.
const MOST_TASKS: u64 = 100;

/// `GET /api/tasks/pending?limit=&type=&campaign_id=`: the tasks that may be locked now, the one that has been due longest first.
pub(crate) async fn pending(
    State(app): State<App>,
    _: Caller,
    _: WorkerId,
    given: Parameters,
) -> Result<Answer<Json>, Error> {
    let limit = given.number("limit", 1, MOST_TASKS)?.unwrap_or(USUAL_TASKS);
    let tasks = app.tasks.pending(&input::filter(&given)?, usize::try_from(limit).unwrap_or(1)).await?;
    let now = app.clock.now();
    let tasks: Vec<_> = tasks.iter().map(|task| view::task(task, now)).collect();
    Ok(Answer(json!({"tasks": tasks})))
}

/// `POST /api/tasks/claim?type=&campaign_id=`: the next task, locked; null where there is none.
pub(crate) async fn claim(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    given: Parameters,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let form = LockForm::read(&body)?;
    let worker = needed(form.worker(header))?;
    let task = app.tasks.claim(&input::filter(&given)?, &worker, form.duration()).await?;
    let message = if task.is_some() { "Task locked successfully" } else { "No task is due" };
    let task = task.map(|task| view::claimed(&task, app.clock.now()));
    Ok(Answer(json!({"message": message, "task": task})))
}

/// `POST /api/tasks/{id}/lock`: locks a task, or keeps it locked.
pub(crate) async fn lock(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    Number(id): Number,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let form = LockForm::read(&body)?;
    let worker = needed(form.worker(header))?;
    let task = app.tasks.lock(id, &worker, form.duration()).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Task locked successfully", "task": view::lock(&task, app.clock.now())})))
}

/// `POST /api/tasks/{id}/heartbeat`: keeps a task locked.
pub(crate) async fn heartbeat(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    Number(id): Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let form = LockForm::read(&body)?;
    let duration = form.duration();
    let holding = input::holding(form.worker(header), &headers)?;
    if holding == Holding::Anyone {
        needed(None)?;
    }
    let task = app.tasks.keep(id, &holding, duration).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Lock renewed", "task": view::lock(&task, app.clock.now())})))
}

/// `POST /api/tasks/{id}/unlock`: gives a task back.
pub(crate) async fn unlock(
    State(app): State<App>,
    _: Caller,
    WorkerId(worker): WorkerId,
    Number(id): Number,
    headers: HeaderMap,
) -> Result<Answer<Json>, Error> {
    app.tasks.unlock(id, &input::holding(worker, &headers)?).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Task unlocked successfully"})))
}

/// `PUT /api/tasks/{id}/status`: how a task ended.
pub(crate) async fn report(
    State(app): State<App>,
    _: Caller,
    WorkerId(worker): WorkerId,
    Number(id): Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Json>, Error> {
    let (holding, report) = (input::holding(worker, &headers)?, input::report(&body)?);
    app.tasks.report(id, &holding, &report).await.map_err(refused)?;
    Ok(Answer(json!({"message": "Task status updated successfully"})))
}

fn refused(error: TaskError) -> Error {
    match error {
        TaskError::Missing => Error::not_found("Task not found"),
        TaskError::Refused(refusal) => Error::bad_request(refusal.message()),
        TaskError::Table(error) => error.into(),
    }
}
