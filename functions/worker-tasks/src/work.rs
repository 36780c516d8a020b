//! What workers do: see what is due, lock it, keep it, give it back, report on it.

use ::input::schema::whole;
use api::query::Parameters;
use api::worker::{Body, Caller, Error, IdPath, LeaseHeader, Number, WorkerHeader, WorkerId};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use worker::{Holding, TaskError};

use crate::document::{LockBody, ReportBody};
use crate::input::{self, FilterQuery, LockForm, needed};
use crate::view::{ClaimedTask, LockView, TaskView};
use crate::{App, view};

/// How many tasks `pending` shows unless it is asked for more or fewer.
const USUAL_TASKS: u64 = 50;
/// How many it shows at most.
const MOST_TASKS: u64 = 100;

::input::parameters! {
    /// How many tasks.
    pub(crate) PendingQuery {
        query "limit" "How many; 50 unless given." => whole::<1, MOST_TASKS>(),
    }
}

/// Tasks that may be locked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Pending {
    tasks: Vec<TaskView>,
}

/// A task that was claimed, if there was one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Claimed {
    message: &'static str,
    task: Option<ClaimedTask>,
}

/// A lock.
#[derive(Serialize, ToSchema)]
pub(crate) struct Locked {
    message: &'static str,
    task: LockView,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    message: &'static str,
}

/// `GET /api/tasks/pending?limit=&type=&campaign_id=`: the tasks that may be locked now, the one that has been due longest first.
#[utoipa::path(get, path = "/api/tasks/pending", tag = "Worker tasks", params(PendingQuery, FilterQuery, WorkerHeader),
    responses((status = 200, body = Pending)))]
pub(crate) async fn pending(
    State(app): State<App>,
    _: Caller,
    _: WorkerId,
    given: Parameters,
) -> Result<Answer<Pending>, Error> {
    let limit = given.number("limit", 1, MOST_TASKS)?.unwrap_or(USUAL_TASKS);
    let tasks = app.tasks.pending(&input::filter(&given)?, usize::try_from(limit).unwrap_or(1)).await?;
    let now = app.clock.now();
    Ok(Answer(Pending { tasks: tasks.iter().map(|task| view::task(task, now)).collect() }))
}

/// `POST /api/tasks/claim?type=&campaign_id=`: the next task, locked; null where there is none.
#[utoipa::path(post, path = "/api/tasks/claim", tag = "Worker tasks", params(FilterQuery, WorkerHeader),
    request_body = Option<LockBody>, responses((status = 200, body = Claimed)))]
pub(crate) async fn claim(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    given: Parameters,
    Body(body): Body,
) -> Result<Answer<Claimed>, Error> {
    let form = LockForm::read(&body)?;
    let worker = needed(form.worker(header))?;
    let task = app.tasks.claim(&input::filter(&given)?, &worker, form.duration()).await?;
    let message = if task.is_some() {
        telemetry::counter!("ClaimsGranted").increment(1);
        "Task locked successfully"
    } else {
        telemetry::counter!("ClaimsInVain").increment(1);
        "No task is due"
    };
    let task = task.map(|task| view::claimed(&task, app.clock.now()));
    Ok(Answer(Claimed { message, task }))
}

/// `POST /api/tasks/{id}/lock`: locks a task, or keeps it locked.
#[utoipa::path(post, path = "/api/tasks/{id}/lock", tag = "Worker tasks", params(IdPath, WorkerHeader),
    request_body = Option<LockBody>, responses((status = 200, body = Locked)))]
pub(crate) async fn lock(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    Number(id): Number,
    Body(body): Body,
) -> Result<Answer<Locked>, Error> {
    let form = LockForm::read(&body)?;
    let worker = needed(form.worker(header))?;
    let task = app.tasks.lock(id, &worker, form.duration()).await.map_err(refused)?;
    Ok(Answer(Locked { message: "Task locked successfully", task: view::lock(&task, app.clock.now()) }))
}

/// `POST /api/tasks/{id}/heartbeat`: keeps a task locked.
#[utoipa::path(post, path = "/api/tasks/{id}/heartbeat", tag = "Worker tasks", params(IdPath, WorkerHeader, LeaseHeader),
    request_body = Option<LockBody>, responses((status = 200, body = Locked)))]
pub(crate) async fn heartbeat(
    State(app): State<App>,
    _: Caller,
    header: WorkerId,
    Number(id): Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Locked>, Error> {
    let form = LockForm::read(&body)?;
    let duration = form.duration();
    let holding = input::holding(form.worker(header), &headers)?;
    if holding == Holding::Anyone {
        needed(None)?;
    }
    let task = app.tasks.keep(id, &holding, duration).await.map_err(refused)?;
    Ok(Answer(Locked { message: "Lock renewed", task: view::lock(&task, app.clock.now()) }))
}

/// `POST /api/tasks/{id}/unlock`: gives a task back.
#[utoipa::path(post, path = "/api/tasks/{id}/unlock", tag = "Worker tasks", params(IdPath, WorkerHeader, LeaseHeader),
    responses((status = 200, body = Done)))]
pub(crate) async fn unlock(
    State(app): State<App>,
    _: Caller,
    WorkerId(worker): WorkerId,
    Number(id): Number,
    headers: HeaderMap,
) -> Result<Answer<Done>, Error> {
    app.tasks.unlock(id, &input::holding(worker, &headers)?).await.map_err(refused)?;
    Ok(Answer(Done { message: "Task unlocked successfully" }))
}

/// `PUT /api/tasks/{id}/status`: how a task ended.
#[utoipa::path(put, path = "/api/tasks/{id}/status", tag = "Worker tasks", params(IdPath, WorkerHeader, LeaseHeader),
    request_body = ReportBody, responses((status = 200, body = Done)))]
pub(crate) async fn report(
    State(app): State<App>,
    _: Caller,
    WorkerId(worker): WorkerId,
    Number(id): Number,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Answer<Done>, Error> {
    let (holding, report) = (input::holding(worker, &headers)?, input::report(&body)?);
    app.tasks.report(id, &holding, &report).await.map_err(refused)?;
    Ok(Answer(Done { message: "Task status updated successfully" }))
}

fn refused(error: TaskError) -> Error {
    match error {
        TaskError::Missing => Error::not_found("Task not found"),
        TaskError::Refused(refusal) => Error::bad_request(refusal.message()),
        TaskError::Table(error) => error.into(),
    }
}
