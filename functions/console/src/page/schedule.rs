//! `/console/schedules/{kind}/{id}`: one schedule, and what is done about it.

use api::query::Parameters;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::Response;
use maud::{Markup, html};
use operations::{ScheduleKind, ScheduleName, ScheduleRow};
use uuid::Uuid;

use super::schedules::{name, path_of};
use super::{acted, jobs, tenant};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::notice::Notice;
use crate::view::badge::{Tone, badge, state};
use crate::view::facts::facts;
use crate::view::pager::escaped;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment_or_none, nothing};

/// The schedule that an address names.
pub(crate) struct Named(ScheduleName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        const MISSING: Fault = Fault::NotFound("There is no such schedule");
        let Path((kind, id)) = Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| MISSING)?;
        let kind = ScheduleKind::named(&kind).ok_or(MISSING)?;
        let id: Uuid = id.parse().map_err(|_| MISSING)?;
        let parameters = Parameters::of_form(parts.uri.query().unwrap_or_default());
        let tenant = tenant(&parameters)?.ok_or(MISSING)?;
        ScheduleName::new(kind, tenant, id).map(Self).ok_or(MISSING)
    }
}

/// `GET /console/schedules/{kind}/{id}`.
pub(crate) async fn show(State(app): State<App>, frame: Frame, Named(schedule): Named) -> Result<Response, Fault> {
    let row = app.operations.schedule(&schedule).await?;
    let row = row.ok_or(Fault::NotFound("There is no such schedule. It may have been deleted"))?;
    let title = if row.title.trim().is_empty() { "Schedule" } else { &row.title };
    let body = html! {
        p.crumbs {
            a href=(frame.to(&format!("/schedules?kind={}", schedule.kind.as_str()))) { (name(schedule.kind)) }
        }
        h1 { (clipped(title, 200)) }
        div #state data-live { (state_of(&frame, &row)) }
    };
    Ok(frame.page(Section::Schedules, title, &body))
}

/// `POST /console/schedules/{kind}/{id}/run`.
pub(crate) async fn run(State(app): State<App>, frame: Frame, Named(schedule): Named) -> Result<Response, Fault> {
    let act = Box::pin(app.operations.run_schedule(&frame.actor(), &schedule)).await;
    acted(&frame, act, &path_of(&schedule), Notice::of("started"))
}

/// `POST /console/schedules/{kind}/{id}/pause`.
pub(crate) async fn pause(State(app): State<App>, frame: Frame, Named(schedule): Named) -> Result<Response, Fault> {
    let act = Box::pin(app.operations.pause_schedule(&frame.actor(), &schedule)).await;
    acted(&frame, act, &path_of(&schedule), Notice::of("paused"))
}

/// `POST /console/schedules/{kind}/{id}/resume`.
pub(crate) async fn resume(State(app): State<App>, frame: Frame, Named(schedule): Named) -> Result<Response, Fault> {
    let act = Box::pin(app.operations.resume_schedule(&frame.actor(), &schedule)).await;
    acted(&frame, act, &path_of(&schedule), Notice::of("resumed"))
}

pub(super) fn state_of(frame: &Frame, row: &ScheduleRow) -> Markup {
    let act = |act: &str, label: &str| {
        let ScheduleName { kind, tenant, id } = &row.name;
        let path = format!("/schedules/{}/{id}/{act}?tenant={}", kind.as_str(), escaped(tenant));
        frame.form(&path, &html! { button { (label) } })
    };
    let mut told = vec![
        ("State", if row.paused { badge("paused", Tone::Warning) } else { badge("active", Tone::Good) }),
        ("Fetches", clipped(&row.what, 500)),
        ("How often", clipped(&row.every, 100)),
        ("Next run", moment_or_none(row.next_run_at, frame.now)),
        ("Last run", moment_or_none(row.last_run_at, frame.now)),
        ("Last outcome", row.last_outcome.map_or_else(nothing, |outcome| state(outcome.as_str()))),
        (
            "Runs now",
            row.active_run.as_ref().map_or_else(nothing, |job| {
                html! {
                    a href=(frame.to(&jobs::path_of(job))) { "Its job" }
                }
            }),
        ),
        ("Id", html! { span.mono { (row.name.id) } }),
        ("Tenant", html! { span.mono { (shown(&row.name.tenant)) } }),
    ];
    if let Some(runs) = row.runs {
        told.push(("Runs", html! {
            (runs.started) " started: " (runs.completed) " completed, " (runs.failed) " failed, " (runs.cancelled) " cancelled; "
            (runs.skipped) " skipped"
        }));
    }
    html! {
        @if let Some(error) = &row.last_error { p.fault { (clipped(error, 1_000)) } }
        (facts(&told))
        div.actions {
            @if row.paused {
                (act("resume", "Resume"))
            } @else {
                @if row.active_run.is_none() { (act("run", "Run now")) }
                (act("pause", "Pause"))
            }
        }
    }
}
