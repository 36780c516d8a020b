//! `/console/worker-tasks`: the tasks of the worker API, which are no jobs but records that workers lock.

use api::query::Parameters;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use operations::TaskRow;

use super::{acted, is_first, jobs, paging, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::notice::Notice;
use crate::view::badge::state;
use crate::view::confirm::Question;
use crate::view::pager::pager;
use crate::view::table::table;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment, moment_or_none, nothing};

/// Where they are listed, below the console.
pub(crate) const PATH: &str = "/worker-tasks";
const MISSING: Fault = Fault::NotFound("There is no such task");

/// `GET /console/worker-tasks`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let page = app.fleet.tasks(paging(&parameters)?).await?;
    let rows: Vec<_> = page.items.iter().map(|task| row(&frame, task)).collect();
    let columns = ["Task", "State", "Locked by", "Due", "Retries", "Made", "What went wrong", "Release"];
    let body = html! {
        h1 { "Jobs" }
        (tabs(&frame, "Kinds of jobs", &jobs::kinds(None, None, None)))
        div #list data-live {
            (table("Tasks of the worker API, the newest first", &columns, &rows, "There are no tasks yet: the worker API adds them."))
            (pager(&frame.to(PATH), is_first(&parameters), page.next.as_deref()))
        }
    };
    Ok(frame.page(Section::Jobs, "Worker tasks", &body))
}

/// `GET /console/worker-tasks/{id}/release`: whether it is meant.
pub(crate) async fn ask_release(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let task = app.fleet.task(number(&id)?).await?.ok_or(MISSING)?;
    let question = Question {
        asks: "Take this task from its worker?",
        about: html! {
            p { "Task " strong { (task.id) } " of campaign " (task.campaign_id) ", " (shown(&task.task_type)) "." }
            p { "It can be locked again at once. What its worker reports from now on is refused." }
        },
        path: &format!("{PATH}/{}/release", task.id),
        does: "Take it back",
        back: PATH,
    };
    Ok(frame.page(Section::Jobs, question.asks, &question.shown(&frame)))
}

/// `POST /console/worker-tasks/{id}/release`.
pub(crate) async fn release(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let act = app.fleet.release_task(&frame.actor(), number(&id)?).await;
    acted(&frame, act, PATH, Notice::of("task-released"))
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| MISSING)
}

pub(super) fn row(frame: &Frame, task: &TaskRow) -> Vec<Markup> {
    let release = || {
        let path = frame.to(&format!("{PATH}/{}/release", task.id));
        html! { a.button.danger href=(path) aria-label=(format!("Release task {}…", task.id)) { "Release…" } }
    };
    vec![
        html! { (task.id) div.soft { (clipped(&task.task_type, 60)) " · campaign " (task.campaign_id) } },
        state(task.status.as_str()),
        jobs::held(task.held.as_ref(), frame.now),
        moment_or_none(task.due_at, frame.now),
        html! { (task.retry_count) " of " (task.max_retries) },
        moment(task.created_at, frame.now),
        task.error.as_deref().map_or_else(nothing, |error| clipped(error, 120)),
        html! { @if task.held.is_some() { (release()) } @else { (nothing()) } },
    ]
}
