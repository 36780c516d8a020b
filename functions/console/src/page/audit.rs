//! `/console/audit`: who did what.

use api::query::Parameters;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use operations::{Entry, Outcome};
use table::Millis;

use super::{is_first, paging, word};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::view::badge::{Tone, badge};
use crate::view::pager::{Page, with};
use crate::view::text::shown;
use crate::view::time::exact;

/// `GET /console/audit`.
pub(crate) async fn show(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let day = parameters.text("day", 10)?;
    let from = day
        .map(|day| Millis::parse(day).ok_or_else(|| Fault::Invalid("day: must be a date".to_owned())))
        .transpose()?;
    let page = app.operations.audit().list(from, paging(&parameters)?).await?;
    let here = day.map_or_else(|| "/audit".to_owned(), |day| with("/audit", "day", day));
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let columns = ["When", "Who", "What", "On what", "Outcome"];
    let here = frame.to(&here);
    let shown = Page { address: &here, is_first: is_first(&parameters), next: page.next.as_deref() };
    let body = html! {
        h1 { "Audit log" }
        p.soft { "What was done here and with " code { "droverctl" } ", the newest first. It is kept for 400 days." }
        form.filters method="get" action=(frame.to("/audit")) {
            div {
                label for="day" { "Up to this day (UTC)" }
                input #day type="date" name="day" value=(day.unwrap_or_default());
            }
            button { "Show" }
        }
        (shown.listed("What operators did", &columns, &rows, "Nothing was done yet."))
    };
    Ok(frame.page(Section::Audit, "Audit log", &body))
}

pub(super) fn row(entry: &Entry) -> Vec<Markup> {
    let tone = match entry.outcome {
        Outcome::Asked => Tone::Warning,
        Outcome::Done => Tone::Good,
        Outcome::Refused => Tone::Calm,
        Outcome::Failed => Tone::Bad,
    };
    vec![
        exact(entry.at),
        html! { (shown(&entry.by)) },
        html! { (word(entry.action).replace('_', " ")) },
        html! { span.mono { (shown(&entry.on)) } },
        html! {
            (badge(&word(entry.outcome), tone))
            @if let Some(detail) = &entry.detail { " " (shown(detail)) }
        },
    ]
}

#[cfg(test)]
mod tests {
    use operations::Action;

    use super::*;

    #[test]
    fn an_entry_is_shown_whatever_its_texts_hold() {
        let entry = Entry {
            at: Millis(1_705_314_600_000),
            by: "<b>eve</b>@example.com".to_owned(),
            action: Action::CancelJob,
            on: "video/<script>/1".to_owned(),
            outcome: Outcome::Refused,
            detail: Some("it\u{1b}[2J had ended before".to_owned()),
        };
        let cells = row(&entry).into_iter().map(maud::PreEscaped::into_string).collect::<Vec<_>>().join("|");
        for part in
            ["cancel job", "&lt;b&gt;eve&lt;/b&gt;", "video/&lt;script&gt;/1", "it␛[2J had ended before", ">refused<"]
        {
            assert!(cells.contains(part), "{part} in {cells}");
        }
    }
}
