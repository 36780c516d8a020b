//! `/tasks` and `/tasks/{task_id}`.

use api::extract_cloud::{Body, Caller, Error, Path, Reply};
use api::identity::Permission;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use extract::{
    CreateError, Deleted, ListError, NewTask, NewTaskBody, OwnConfig, Plan, TaskChange, TaskType, UpdateError,
};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::document::{TaskPath, TaskQueryParameters};
use crate::view::TaskView;
use crate::{App, query};

/// What became of a task.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"message": "Task deleted successfully", "status": "deleted"}))]
pub(crate) struct Gone {
    message: &'static str,
    /// `cancelled` or `deleted`.
    status: &'static str,
}

/// `GET /tasks`: a page of the caller's tasks. A `Link` header names the next page, if there is one.
#[utoipa::path(get, path = "/tasks", tag = "Extraction tasks", params(TaskQueryParameters),
    responses((status = 200, body = Vec<TaskView>, headers(("Link" = String, description = "The next page, if there is one (RFC 8288)")))))]
pub(crate) async fn list(State(app): State<App>, caller: Caller, RawQuery(raw): RawQuery) -> Result<Response, Error> {
    caller.require(Permission::TasksRead)?;
    let wanted = query::tasks(raw.as_deref())?;
    let (tasks, more) = app.tasks.list(&caller.user_id, &wanted).await.map_err(|error| match error {
        ListError::TooFar => Error::invalid("page", error.to_string()),
        ListError::Table(error) => error.into(),
    })?;
    let views: Vec<TaskView> = tasks.into_iter().map(TaskView::listed).collect();
    let mut response = Reply(StatusCode::OK, views).into_response();
    if more && let Ok(link) = HeaderValue::from_str(&next_page(raw.as_deref(), wanted.page)) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// The `Link` to the page after `page` of the same query (RFC 8288).
fn next_page(query: Option<&str>, page: u32) -> String {
    let others = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).filter(|(name, _)| name != "page");
    let next = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("page", &(page + 1).to_string())
        .finish();
    format!("</tasks?{next}>; rel=\"next\"")
}

/// `POST /tasks`: a new task.
#[utoipa::path(post, path = "/tasks", tag = "Extraction tasks", request_body = NewTaskBody,
    responses((status = 201, body = TaskView), (status = 402)))]
pub(crate) async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Reply<TaskView>, Error> {
    caller.require(Permission::TasksCreate)?;
    let new = match NewTask::read(&body) {
        Ok(new) => new,
        Err(faults) => {
            // What the plan does not run is a matter of the plan, whatever else is wrong with it.
            if let Some(asked) = type_of(&body)
                && !app.tasks.may_run(&caller.user_id, asked).await?
            {
                return Err(not_in_plan(asked));
            }
            return Err(faults.into());
        }
    };
    may_be_told(&app, &caller, &new).await?;
    let task = app.tasks.create(&caller.user_id, new).await.map_err(|error| match error {
        CreateError::InsufficientUnits { needed, available } => Error::InsufficientCredits { needed, available },
        CreateError::NotInPlan(asked) => not_in_plan(asked),
        CreateError::Table(error) => error.into(),
    })?;
    Ok(Reply(StatusCode::CREATED, task.into()))
}

/// Whether the task may tell whom it is to tell: the caller themselves, or whoever the operator allows. Nobody else has agreed to it.
async fn may_be_told(app: &App, caller: &Caller, new: &NewTask) -> Result<(), Error> {
    let OwnConfig::Monitoring(own) = &new.config.own else { return Ok(()) };
    let Some(address) = own.notification_email.as_deref().filter(|address| !app.mail_rules.allow(address)) else {
        return Ok(());
    };
    let user = app.gate.identity.find_user(&caller.user_id).await?;
    if user.is_some_and(|user| user.email.eq_ignore_ascii_case(address)) {
        return Ok(());
    }
    let fault = "must be the address that you sign in with, or of a domain that this deployment's operator allows";
    Err(Error::invalid("config.notification_email", fault))
}

/// The type that a body names, if it is one that not every plan runs.
fn type_of(body: &Json) -> Option<TaskType> {
    let asked = body.get("task_type")?.as_str()?;
    let special = |kind: &TaskType| kind.as_str() == asked && !Plan::ALL.iter().all(|plan| plan.runs(*kind));
    TaskType::ALL.into_iter().find(special)
}

fn not_in_plan(asked: TaskType) -> Error {
    Error::Authorization(format!("The free plan runs simple_scraping tasks only, and not {}", asked.as_str()))
}

/// `GET /tasks/{task_id}`: one task.
#[utoipa::path(get, path = "/tasks/{task_id}", tag = "Extraction tasks", params(TaskPath),
    responses((status = 200, body = TaskView)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Reply<TaskView>, Error> {
    caller.require(Permission::TasksRead)?;
    let task = app.tasks.get(&caller.user_id, id).await?.ok_or(Error::NotFound("Task not found"))?;
    Ok(Reply(StatusCode::OK, task.into()))
}

/// `PUT /tasks/{task_id}`: name, description and priority of a task that has not ended.
#[utoipa::path(put, path = "/tasks/{task_id}", tag = "Extraction tasks", params(TaskPath), request_body = TaskChange,
    responses((status = 200, body = TaskView)))]
pub(crate) async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Body(body): Body,
) -> Result<Reply<TaskView>, Error> {
    caller.require(Permission::TasksUpdate)?;
    let change = TaskChange::read(&body)?;
    let task = app.tasks.update(&caller.user_id, id, change).await.map_err(refused)?;
    Ok(Reply(StatusCode::OK, task.into()))
}

/// `DELETE /tasks/{task_id}`: cancels a task that has not ended, deletes one that has. `status` says which.
#[utoipa::path(delete, path = "/tasks/{task_id}", tag = "Extraction tasks", params(TaskPath),
    responses((status = 200, body = Gone), (status = 400)))]
pub(crate) async fn delete(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Reply<Gone>, Error> {
    caller.require(Permission::TasksDelete)?;
    let status = match app.tasks.delete(&caller.user_id, id, &app.results).await.map_err(refused)? {
        Deleted::Cancelled => "cancelled",
        Deleted::Deleted => "deleted",
    };
    Ok(Reply(StatusCode::OK, Gone { message: "Task deleted successfully", status }))
}

fn refused(error: UpdateError) -> Error {
    match error {
        UpdateError::Missing => Error::NotFound("Task not found"),
        UpdateError::Ended => Error::invalid("status", "a task that has ended cannot be changed"),
        UpdateError::Table(error) => error.into(),
        UpdateError::Results(error) => {
            tracing::error!(%error, "results were not deleted");
            Error::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_keeps_the_query_and_moves_the_page() {
        assert_eq!(next_page(None, 1), "</tasks?page=2>; rel=\"next\"");
        assert_eq!(next_page(Some("page=3&status=a%26b"), 3), "</tasks?status=a%26b&page=4>; rel=\"next\"");
    }
}
