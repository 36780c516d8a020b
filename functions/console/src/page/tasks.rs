//! `/console/worker-tasks`: the tasks of the worker API, which are no jobs but records that workers lock.

use api::query::Parameters;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use operations::{Hold, Listing, TaskRow};
use worker::{Filter, LONGEST_TYPE, Listed, NO_TYPE, is_type};

use super::{acted, is_first, jobs, paging, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::gate::Form;
use crate::notice::Notice;
use crate::view::badge::state;
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::{Page, with};
use crate::view::text::{clipped, shown};
use crate::view::time::{moment, moment_or_none, nothing};

/// Where they are listed, below the console.
pub(crate) const PATH: &str = "/worker-tasks";
const MISSING: Fault = Fault::NotFound("There is no such task");
/// The field that says which lock is meant, by its fencing token.
const LOCK: &str = "lock";

/// The choices among all tasks, and what each is called.
const CHOICES: [(&str, &str); 3] =
    [("all", "All, the newest first"), ("open", "Waiting or running"), ("failed", "Failed")];

/// Where a task's page is, below the console.
pub(crate) fn path_of(id: u64) -> String {
    format!("{PATH}/{id}")
}

/// `GET /console/worker-tasks`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let choice = Choice::of(&parameters)?;
    let body = html! {
        h1 { "Jobs" }
        (tabs(&frame, "Kinds of jobs", &jobs::kinds(None, None, None)))
        (choice.form(&frame))
        (jobs::finder(&frame))
        div #list data-live {
            @match choice.listed() {
                Some(listed) => {
                    (listing(&frame, &choice, &app.fleet.tasks(&listed, paging(&parameters)?).await?, is_first(&parameters)))
                }
                None => p.empty { "Of one campaign or type those tasks are listed that wait, run or have failed. Choose which." },
            }
        }
    };
    Ok(frame.page(Section::Jobs, "Worker tasks", &body))
}

/// Which tasks a query string asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    /// Which of [`CHOICES`].
    which: usize,
    filter: Filter,
}

impl Choice {
    fn of(parameters: &Parameters) -> Result<Self, Fault> {
        let given =
            |name| parameters.text(name, LONGEST_TYPE).map(|text| text.map(str::trim).filter(|text| !text.is_empty()));
        let campaign = given("campaign")?.map(|number| match number.parse() {
            Ok(number) => Ok(number),
            Err(_) => Err(Fault::Invalid("campaign: a campaign has a number".to_owned())),
        });
        let task_type = given("type")?;
        if task_type.is_some_and(|task_type| !is_type(task_type)) {
            return Err(Fault::Invalid(format!("type: {NO_TYPE}")));
        }
        Ok(Self {
            which: parameters.word("status", &CHOICES.map(|(word, _)| word))?.unwrap_or(0),
            filter: Filter { task_type: task_type.map(str::to_owned), campaign_id: campaign.transpose()? },
        })
    }

    /// What is listed; none where nothing lists what is asked for.
    fn listed(&self) -> Option<Listed> {
        let filter = self.filter.clone();
        match CHOICES[self.which].0 {
            "open" => Some(Listed::Open(filter)),
            "failed" => Some(Listed::Failed(filter)),
            _ => (filter == Filter::default()).then_some(Listed::All),
        }
    }

    /// The address of this list, below the console.
    fn address(&self) -> String {
        let mut address = format!("{PATH}?status={}", CHOICES[self.which].0);
        let campaign = self.filter.campaign_id.map(|campaign| campaign.to_string());
        for (name, value) in [("campaign", campaign.as_deref()), ("type", self.filter.task_type.as_deref())] {
            if let Some(value) = value {
                address = with(&address, name, value);
            }
        }
        address
    }

    fn form(&self, frame: &Frame) -> Markup {
        html! {
            form.filters method="get" action=(frame.to(PATH)) {
                div {
                    label for="status" { "Which" }
                    select #status name="status" {
                        @for (place, (word, name)) in CHOICES.iter().enumerate() {
                            option value=(word) selected[self.which == place] { (name) }
                        }
                    }
                }
                div {
                    label for="campaign" { "Campaign" }
                    input #campaign name="campaign" value=[self.filter.campaign_id] inputmode="numeric" maxlength="20" autocomplete="off";
                }
                div.wide {
                    label for="type" { "Type" }
                    input #type name="type" value=[self.filter.task_type.as_deref()] maxlength=(LONGEST_TYPE) autocomplete="off" spellcheck="false";
                }
                button { "Show" }
            }
        }
    }
}

fn listing(frame: &Frame, choice: &Choice, found: &Listing<TaskRow>, is_first: bool) -> Markup {
    let here = frame.to(&choice.address());
    let page = Page { address: &here, is_first, next: found.next.as_deref() };
    let rows: Vec<_> = found.items.iter().map(|task| row(frame, task)).collect();
    let columns = ["Task", "State", "Locked by", "Due", "Retries", "Made", "What went wrong", "Release"];
    let nothing = if *choice == Choice::default() {
        "There are no tasks yet: the worker API adds them."
    } else {
        "There are none here."
    };
    page.listed("Tasks of the worker API", &columns, &rows, nothing)
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
        div.actions {
            @if task.has_failed() { (frame.form(&format!("{}/retry", path_of(task.id)), &html! { button { "Retry" } })) }
            @if task.held.is_some() { (release_of(frame, task.id)) }
            @if task.is_open() { a.button.danger href=(frame.to(&format!("{}/cancel", path_of(task.id)))) { "Cancel…" } }
        }
    }
}

/// `GET /console/worker-tasks/{id}/cancel`: whether it is meant.
pub(crate) async fn ask_cancel(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let task = app.fleet.task(number(&id)?).await?.ok_or(MISSING)?;
    let question = Question {
        asks: "Cancel this task?",
        about: html! {
            p { "Task " strong { (task.id) } " of campaign " (task.campaign_id) ", " (shown(&task.task_type)) ", " (state(task.status.as_str())) }
            p { "It ends as an error, and no worker gets it any more. What a worker reports that is at it now is refused." }
        },
        path: &format!("{}/cancel", path_of(task.id)),
        does: "Cancel the task",
        back: &path_of(task.id),
    };
    Ok(frame.page(Section::Jobs, question.asks, &question.shown(&frame)))
}

/// `POST /console/worker-tasks/{id}/cancel`.
pub(crate) async fn cancel(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = number(&id)?;
    let act = app.fleet.cancel_task(&frame.actor(), id).await;
    acted(&frame, act, &path_of(id), Notice::of("task-cancelled"))
}

/// `POST /console/worker-tasks/{id}/retry`.
pub(crate) async fn retry(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = number(&id)?;
    let act = app.fleet.retry_task(&frame.actor(), id).await;
    acted(&frame, act, &path_of(id), Notice::of("task-retried"))
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
