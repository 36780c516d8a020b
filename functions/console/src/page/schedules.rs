//! `/console/schedules`: what runs when, of all tenants.

use api::query::Parameters;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use operations::{ScheduleKind, ScheduleName, ScheduleRow};

use super::{is_first, paging, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::view::badge::{Tone, badge, state};
use crate::view::pager::{Page, escaped};
use crate::view::text::clipped;
use crate::view::time::{moment_or_none, nothing};

/// How much of a text a list shows, in characters.
const TEXT: usize = 80;

/// What a kind is called on pages.
pub(crate) const fn name(kind: ScheduleKind) -> &'static str {
    match kind {
        ScheduleKind::Video => "Video schedules",
        ScheduleKind::Monitor => "Monitors",
    }
}

/// Where a schedule's page is, below the console.
pub(crate) fn path_of(schedule: &ScheduleName) -> String {
    format!("/schedules/{}/{}?tenant={}", schedule.kind.as_str(), schedule.id, escaped(&schedule.tenant))
}

/// `GET /console/schedules`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let kinds = ScheduleKind::ALL.map(ScheduleKind::as_str);
    let kind = parameters.word("kind", &kinds)?.map_or(ScheduleKind::Video, |place| ScheduleKind::ALL[place]);
    let paused = parameters.flag("paused")?.unwrap_or(false);
    let found = app.operations.schedules(kind, paused, paging(&parameters)?).await?;
    let address = |kind: ScheduleKind, paused| format!("/schedules?kind={}&paused={paused}", kind.as_str());
    let choices: Vec<_> = [false, true]
        .into_iter()
        .flat_map(|is_paused| ScheduleKind::ALL.map(|each| (each, is_paused)))
        .map(|(each, is_paused)| {
            let label = match (each, is_paused) {
                (ScheduleKind::Video, false) => "Video schedules",
                (ScheduleKind::Monitor, false) => "Monitors",
                (ScheduleKind::Video, true) => "Paused video schedules",
                (ScheduleKind::Monitor, true) => "Paused monitors",
            };
            (label, address(each, is_paused), (each, is_paused) == (kind, paused))
        })
        .collect();
    let here = frame.to(&address(kind, paused));
    let page = Page { address: &here, is_first: is_first(&parameters), next: found.next.as_deref() };
    let rows: Vec<_> = found.items.iter().map(|schedule| row(&frame, schedule)).collect();
    let columns = ["Schedule", "Fetches", "How often", "Next run", "Last run", "Last outcome"];
    let empty = if paused { "None is paused." } else { "None waits for its next run." };
    let body = html! {
        h1 { "Schedules" }
        (tabs(&frame, "Kinds of schedules", &choices))
        div #list data-live {
            (page.listed(name(kind), &columns, &rows, empty))
        }
    };
    Ok(frame.page(Section::Schedules, "Schedules", &body))
}

pub(super) fn row(frame: &Frame, schedule: &ScheduleRow) -> Vec<Markup> {
    vec![
        html! {
            a href=(frame.to(&path_of(&schedule.name))) {
                @if schedule.title.trim().is_empty() { "(no name)" } @else { (clipped(&schedule.title, TEXT)) }
            }
            div.soft { (clipped(&schedule.name.tenant, TEXT)) }
        },
        clipped(&schedule.what, TEXT),
        clipped(&schedule.every, TEXT),
        html! {
            @if schedule.paused { (badge("paused", Tone::Warning)) }
            @else if schedule.active_run.is_some() { (badge("running", Tone::Busy)) " then " (moment_or_none(schedule.next_run_at, frame.now)) }
            @else { (moment_or_none(schedule.next_run_at, frame.now)) }
        },
        moment_or_none(schedule.last_run_at, frame.now),
        schedule.last_outcome.map_or_else(nothing, |outcome| state(outcome.as_str())),
    ]
}
