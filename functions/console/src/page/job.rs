//! `/console/jobs/{kind}/{id}`: one job, its log, its parts, and what is done about it.

use api::query::Parameters;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use jobs::{Level, LoggedLine};
use maud::{Markup, html};
use operations::{JobDetail, JobName, Kind, Listing, LogTail, Operations, PartRow};
use uuid::Uuid;

use super::jobs::{held, name, path_of, progress_of, standing};
use super::{PAGE, acted, tenant};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section, fragment};
use crate::notice::Notice;
use crate::view::badge::state;
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::{escaped, with};
use crate::view::progress::percent;
use crate::view::table::table;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment, moment_or_none, nothing};

/// How many lines of a log are shown at once.
const LINES: u32 = 200;
/// How much of one, in characters.
const LINE: usize = 2_000;

/// The job that an address names.
pub(crate) struct Named(JobName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        const MISSING: Fault = Fault::NotFound("There is no such job");
        let Path(values) =
            Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| MISSING)?;
        let value = |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let kind = value("kind").and_then(Kind::named).ok_or(MISSING)?;
        let id: Uuid = value("id").and_then(|id| id.parse().ok()).ok_or(MISSING)?;
        let parameters = Parameters::of_form(parts.uri.query().unwrap_or_default());
        let tenant = tenant(&parameters)?.ok_or(MISSING)?;
        JobName::new(kind, tenant, id).map(Self).ok_or(MISSING)
    }
}

/// `GET /console/jobs/{kind}/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    frame: Frame,
    Named(job): Named,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let detail = found(&app.operations, &job).await?;
    let parts_after = parameters.text("parts", 2_000)?;
    let log = async {
        // The script that asks for what has changed asks for the log's lines by themselves.
        if frame.is_part {
            return Ok(None);
        }
        let after = detail.log_lines.saturating_sub(u64::from(LINES));
        stretch(&app.operations, &job, after).await.map(Some)
    };
    let (log, parts) = tokio::try_join!(log, parts_of(&app.operations, &detail, parts_after))?;
    let title = if detail.row.title.trim().is_empty() { name(job.kind) } else { &detail.row.title };
    let body = html! {
        p.crumbs { a href=(frame.to(&format!("/jobs?kind={}", job.kind.as_str()))) { (name(job.kind)) } }
        h1 { (clipped(title, 200)) }
        div #state data-live="3" { (state_of(&frame, &detail)) }
        @if let Some(parts) = &parts {
            h2 { "Parts" }
            div #parts data-live { (parts_shown(&frame, &job, parts)) }
        }
        @if let Some(log) = &log {
            h2 { "Log" }
            (log_shown(&frame, &job, log))
            h2 { "What it is to do" }
            pre { (shown(&serde_json::to_string_pretty(&detail.config).unwrap_or_default())) }
        }
    };
    Ok(frame.page(Section::Jobs, title, &body))
}

/// `GET /console/jobs/{kind}/{id}/log`: the lines after a number, for the page's script.
pub(crate) async fn log(State(app): State<App>, Named(job): Named, parameters: Parameters) -> Result<Response, Fault> {
    let after = parameters.number("after", 0, u64::from(u32::MAX))?.unwrap_or(0);
    let tail = stretch(&app.operations, &job, after).await?;
    Ok(fragment(&html! { div data-after=(tail.after) { (lines(&tail.lines)) } }))
}

/// `GET /console/jobs/{kind}/{id}/cancel`: whether it is meant.
pub(crate) async fn ask_cancel(State(app): State<App>, frame: Frame, Named(job): Named) -> Result<Response, Fault> {
    let detail = found(&app.operations, &job).await?;
    let question = Question {
        asks: "Cancel this job?",
        about: html! {
            p { strong { (clipped(&detail.row.title, 200)) } " of " (shown(&job.tenant)) ", " (standing(&detail.row)) }
            p { "A worker that is at it stops with its next step. What it has used is charged. It cannot be undone." }
        },
        path: &act_path(&job, "cancel"),
        does: "Cancel the job",
        back: &path_of(&job),
    };
    Ok(frame.page(Section::Jobs, question.asks, &question.shown(&frame)))
}

/// `POST /console/jobs/{kind}/{id}/cancel`.
pub(crate) async fn cancel(State(app): State<App>, frame: Frame, Named(job): Named) -> Result<Response, Fault> {
    let act = Box::pin(app.operations.cancel(&frame.actor(), &job)).await;
    acted(&frame, act, &path_of(&job), Notice::of("cancelled"))
}

/// `POST /console/jobs/{kind}/{id}/retry`.
pub(crate) async fn retry(State(app): State<App>, frame: Frame, Named(job): Named) -> Result<Response, Fault> {
    let act = Box::pin(app.operations.retry(&frame.actor(), &job)).await;
    acted(&frame, act, &path_of(&job), Notice::of("retried"))
}

/// `POST /console/jobs/{kind}/{id}/parts/{number}/retry`.
pub(crate) async fn retry_part(
    State(app): State<App>,
    frame: Frame,
    Named(job): Named,
    Path((_, _, number)): Path<(String, String, String)>,
) -> Result<Response, Fault> {
    let number = number.parse().map_err(|_| Fault::NotFound("There is no such part"))?;
    let act = Box::pin(app.operations.retry_part(&frame.actor(), &job, number)).await;
    acted(&frame, act, &path_of(&job), Notice::of("retried"))
}

async fn found(operations: &Operations, job: &JobName) -> Result<JobDetail, Fault> {
    operations.job(job).await?.ok_or(Fault::NotFound("There is no such job. It may have been deleted"))
}

/// Where something is done to a job, below the console.
fn act_path(job: &JobName, act: &str) -> String {
    format!("/jobs/{}/{}/{act}?tenant={}", job.kind.as_str(), job.id, escaped(&job.tenant))
}

/// Some lines of its log, and after which number to go on.
async fn stretch(operations: &Operations, job: &JobName, after: u64) -> Result<LogTail, Fault> {
    let tail = operations.log(job, Some(after), LINES).await?;
    Ok(tail.unwrap_or_else(|| LogTail { lines: Vec::new(), after }))
}

/// A page of its parts, if it has some.
async fn parts_of(
    operations: &Operations,
    detail: &JobDetail,
    after: Option<&str>,
) -> Result<Option<Listing<PartRow>>, Fault> {
    if detail.row.parts.is_none() {
        return Ok(None);
    }
    let paging = operations::Paging::new(PAGE, after);
    Ok(Some(operations.parts(&detail.row.name, paging).await?))
}

pub(super) fn state_of(frame: &Frame, detail: &JobDetail) -> Markup {
    let (row, now) = (&detail.row, frame.now);
    let mut told = vec![
        ("State", standing(row)),
        ("Progress", progress_of(row)),
        ("Id", html! { span.mono { (row.name.id) } }),
        ("Tenant", html! { span.mono { (shown(&row.name.tenant)) } }),
        ("Type", html! { (row.sort.replace('_', " ")) }),
        ("Held by", held(row.held.as_ref(), now)),
        ("Submitted", moment(row.created_at, now)),
        ("Began", moment_or_none(row.started_at, now)),
        ("Last change", moment(row.updated_at, now)),
        ("Ended", moment_or_none(row.completed_at, now)),
        ("Due", moment_or_none(row.due_at, now)),
        ("Attempts", html! { (row.attempts) }),
        ("Times taken up again", html! { (row.redrives) }),
        ("Times its message was sent again", html! { (detail.redeliveries) }),
        ("Compute units", html! { (row.units_used) " used, " (detail.units_reserved) " set aside" }),
    ];
    if let Some(checkpoint) = &detail.checkpoint {
        told.push(("Left off at", clipped(checkpoint, 200)));
    }
    if !detail.results.is_empty() {
        told.push((
            "Results",
            html! {
                @for file in &detail.results {
                    div { (shown(&file.name)) @if let Some(bytes) = file.bytes { span.soft { " " (bytes) " bytes" } } }
                }
            },
        ));
    }
    let is_over = !detail.can.cancel;
    html! {
        div data-over[is_over] {
            @if let Some(error) = &row.error { p.fault { (clipped(error, 1_000)) } }
            (facts(&told))
            div.actions {
                @if detail.can.cancel { a.button.danger href=(frame.to(&act_path(&row.name, "cancel"))) { "Cancel…" } }
                @if detail.can.retry {
                    (frame.form(&act_path(&row.name, "retry"), &html! { button { "Retry" } }))
                }
            }
        }
    }
}

pub(super) fn parts_shown(frame: &Frame, job: &JobName, parts: &Listing<PartRow>) -> Markup {
    let row = |part: &PartRow| {
        let can_retry = job.kind == Kind::Video && part.status == jobs::Status::Failed;
        let again = || {
            let path = act_path(job, &format!("parts/{}/retry", part.number));
            let label = format!("Retry part {}", part.number + 1);
            frame.form(&path, &html! { button aria-label=(label) { "Retry" } })
        };
        vec![
            html! { (part.number + 1) },
            clipped(&part.title, 80),
            state(part.status.as_str()),
            percent("Progress of the part", u64::from(part.progress)),
            held(part.held.as_ref(), frame.now),
            html! { (part.attempts) },
            part.error.as_deref().map_or_else(nothing, |error| clipped(error, 200)),
            html! { @if can_retry { (again()) } @else { (nothing()) } },
        ]
    };
    let columns = ["Number", "Of what", "State", "Progress", "Held by", "Attempts", "What went wrong", "Retry"];
    let rows: Vec<_> = parts.items.iter().map(row).collect();
    html! {
        (table("Parts of the job", &columns, &rows, "No parts here."))
        @if let Some(next) = &parts.next {
            nav.pager aria-label="Pages of parts" {
                a rel="next" href=(frame.to(&with(&path_of(job), "parts", next))) { "More parts" }
            }
        }
    }
}

fn log_shown(frame: &Frame, job: &JobName, log: &LogTail) -> Markup {
    html! {
        p #log-empty .empty hidden[!log.lines.is_empty()] { "It has said nothing yet." }
        div.log role="log" aria-label="Log" tabindex="0" data-tail=(frame.to(&act_path(job, "log"))) data-after=(log.after) {
            (lines(&log.lines))
        }
    }
}

pub(super) fn lines(lines: &[LoggedLine]) -> Markup {
    html! {
        @for line in lines {
            @let (class, level) = match line.level {
                Level::Info => ("level-info", "info"),
                Level::Warning => ("level-warning", "warning"),
                Level::Error => ("level-error", "error"),
            };
            div class=(class) data-number=(line.number) {
                time datetime=(line.at) { (line.at.to_string().replace('T', " ").replace('Z', "")) }
                span.level { (level) }
                span.said { (clipped(&line.message, LINE)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use table::Millis;

    use super::*;

    #[test]
    fn a_line_of_a_log_does_nothing() {
        let line = LoggedLine {
            number: 7,
            at: Millis(1_705_314_600_000),
            level: Level::Error,
            message: "<img src=x onerror=alert(1)> \u{1b}]0;gone\u{7} \u{202e}txet".to_owned(),
            metadata: serde_json::Map::new(),
        };
        let shown = lines(&[line]).into_string();
        assert_eq!(
            shown,
            "<div class=\"level-error\" data-number=\"7\"><time datetime=\"2024-01-15T10:30:00Z\">2024-01-15 10:30:00</time>\
             <span class=\"level\">error</span><span class=\"said\">&lt;img src=x onerror=alert(1)&gt; ␛]0;gone␇ \\u{202e}txet</span></div>"
        );
    }
}
