//! `/console/worker-tasks`: the tasks of the worker API, which are no jobs but records that workers lock.

use api::query::Parameters;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use operations::{Hold, TaskRow};

use super::{acted, is_first, jobs, paging, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::gate::Form;
use crate::notice::Notice;
use crate::view::badge::state;
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::Page;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment, moment_or_none, nothing};

/// Where they are listed, below the console.
pub(crate) const PATH: &str = "/worker-tasks";
const MISSING: Fault = Fault::NotFound("There is no such task");
/// The field that says which lock is meant, by its fencing token.
const LOCK: &str = "lock";

/// Where a task's page is, below the console.
pub(crate) fn path_of(id: u64) -> String {
    format!("{PATH}/{id}")
}

/// `GET /console/worker-tasks`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let found = app.fleet.tasks(paging(&parameters)?).await?;
    let here = frame.to(PATH);
    let page = Page { address: &here, is_first: is_first(&parameters), next: found.next.as_deref() };
    let rows: Vec<_> = found.items.iter().map(|task| row(&frame, task)).collect();
    let columns = ["Task", "State", "Locked by", "Due", "Retries", "Made", "What went wrong", "Release"];
    let body = html! {
        h1 { "Jobs" }
        (tabs(&frame, "Kinds of jobs", &jobs::kinds(None, None, None)))
        (jobs::finder(&frame))
        div #list data-live {
            (page.listed("Tasks of the worker API, the newest first", &columns, &rows, "There are no tasks yet: the worker API adds them."))
        }
    };
    Ok(frame.page(Section::Jobs, "Worker tasks", &body))
}

/// `GET /console/worker-tasks/{id}`: one task, without its payload and its result: those are its campaign's.
pub(crate) async fn show(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let task = app.fleet.task(number(&id)?).await?.ok_or(MISSING)?;
    let title = format!("Task {}", task.id);
    let body = html! {
        p.crumbs { a href=(frame.to(PATH)) { "Worker tasks" } }
        h1 { (title) }
        div #state data-live { (state_of(&frame, &task)) }
    };
    Ok(frame.page(Section::Jobs, &title, &body))
}

pub(super) fn state_of(frame: &Frame, task: &TaskRow) -> Markup {
    let told = [
        ("State", state(task.status.as_str())),
        ("Type", clipped(&task.task_type, 100)),
        ("Campaign", html! { (task.campaign_id) }),
        ("Locked by", jobs::held(task.held.as_ref(), frame.now)),
        ("Due", moment_or_none(task.due_at, frame.now)),
        ("Retries", html! { (task.retry_count) " of " (task.max_retries) }),
        ("Made", moment(task.created_at, frame.now)),
        ("Last change", moment(task.updated_at, frame.now)),
        ("Ended", moment_or_none(task.finished_at, frame.now)),
    ];
    html! {
        @if let Some(error) = &task.error { p.fault { (clipped(error, 1_000)) } }
        (facts(&told))
        @if task.held.is_some() { div.actions { (release_of(frame, task.id)) } }
    }
}

/// `GET /console/worker-tasks/{id}/release`: whether it is meant.
pub(crate) async fn ask_release(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let task = app.fleet.task(number(&id)?).await?.ok_or(MISSING)?;
    let Some(Hold { by, token, .. }) = &task.held else {
        return Err(Fault::Conflict("Nobody has locked this task".to_owned()));
    };
    let question = Question {
        asks: "Take this task from its worker?",
        about: html! {
            p { "Task " strong { (task.id) } " of campaign " (task.campaign_id) ", " (shown(&task.task_type)) ", locked by " span.mono { (clipped(by, 100)) } "." }
            p { "It can be locked again at once. What its worker reports from now on is refused." }
        },
        path: &format!("{}/release", path_of(task.id)),
        does: "Take it back",
        back: &path_of(task.id),
    };
    // Of who locks it next nobody has asked.
    let lock = token.to_string();
    Ok(frame.page(Section::Jobs, question.asks, &question.shown_with(&frame, &[(LOCK, &lock)])))
}

/// `POST /console/worker-tasks/{id}/release`.
pub(crate) async fn release(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
    Extension(sent): Extension<Form>,
) -> Result<Response, Fault> {
    let id = number(&id)?;
    let act = app.fleet.release_task(&frame.actor(), id, sent.number(LOCK)?).await;
    acted(&frame, act, &path_of(id), Notice::of("task-released"))
}

/// The way to the question whether a task is taken from its worker.
fn release_of(frame: &Frame, id: u64) -> Markup {
    let path = frame.to(&format!("{}/release", path_of(id)));
    html! { a.button.danger href=(path) aria-label=(format!("Release task {id}…")) { "Release…" } }
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| MISSING)
}

pub(super) fn row(frame: &Frame, task: &TaskRow) -> Vec<Markup> {
    vec![
        html! { a href=(frame.to(&path_of(task.id))) { (task.id) } div.soft { (clipped(&task.task_type, 60)) " · campaign " (task.campaign_id) } },
        state(task.status.as_str()),
        jobs::held(task.held.as_ref(), frame.now),
        moment_or_none(task.due_at, frame.now),
        html! { (task.retry_count) " of " (task.max_retries) },
        moment(task.created_at, frame.now),
        task.error.as_deref().map_or_else(nothing, |error| clipped(error, 120)),
        html! { @if task.held.is_some() { (release_of(frame, task.id)) } @else { (nothing()) } },
    ]
}
