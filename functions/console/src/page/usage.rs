//! `/console/usage`: what a tenant has done and used.

use api::query::Parameters;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use operations::{DayRow, Kind, PlanUsage, Usage};
use table::Millis;

use super::jobs::{kind_of, name};
use super::tenant;
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::view::facts::facts;
use crate::view::pager::escaped;
use crate::view::plot::{Plot, Scale, Series};
use crate::view::progress::progress;
use crate::view::text::shown;
use crate::view::time::moment;

/// How many days are told of.
const DAYS: u32 = 30;

/// `GET /console/usage`.
pub(crate) async fn show(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let (kind, tenant) = (kind_of(&parameters)?, tenant(&parameters)?);
    let usage = match tenant {
        Some(tenant) => Some(app.operations.usage(kind, tenant, DAYS).await?),
        None => None,
    };
    let body = html! {
        h1 { "Usage" }
        (choices(&frame, kind, tenant))
        @match (&usage, tenant) {
            (Some(Some(usage)), _) => (told(&frame, usage)),
            (Some(None), Some(tenant)) => p.empty { (shown(tenant)) " has never used this." },
            _ => p.empty { "Name a tenant: the id of a user of the extraction cloud, or what a tenant of the portal or video jobs is called. Their jobs' pages tell it." },
        }
    };
    Ok(frame.page(Section::Usage, "Usage", &body))
}

fn choices(frame: &Frame, kind: Kind, tenant: Option<&str>) -> Markup {
    html! {
        form.filters method="get" action=(frame.to("/usage")) {
            div {
                label for="kind" { "Of what" }
                select #kind name="kind" {
                    @for each in Kind::ALL { option value=(each.as_str()) selected[each == kind] { (name(each)) } }
                }
            }
            div.wide {
                label for="tenant" { "Tenant" }
                input #tenant name="tenant" value=(tenant.unwrap_or_default()) required maxlength="200" autocomplete="off" spellcheck="false";
            }
            button { "Show" }
        }
    }
}

fn told(frame: &Frame, usage: &Usage) -> Markup {
    let jobs = format!("/jobs?kind={}&tenant={}", usage.kind.as_str(), escaped(&usage.tenant));
    let mut lines = vec![
        ("Not ended", html! { (usage.jobs_open) }),
        ("Completed", html! { (usage.jobs_completed) }),
        ("Failed", html! { (usage.jobs_failed) }),
        ("Cancelled", html! { (usage.jobs_cancelled) }),
        ("Running at once", html! { (usage.slots.saturating_sub(usage.slots_free)) " of " (usage.slots) }),
    ];
    if let Some(plan) = &usage.plan {
        lines.extend(units(frame, plan));
    }
    html! {
        h2 { (shown(&usage.tenant)) }
        p { a href=(frame.to(&jobs)) { "Its jobs" } }
        (facts(&lines))
        div.plots { (plot(&usage.days)) }
    }
}

fn units(frame: &Frame, plan: &PlanUsage) -> Vec<(&'static str, Markup)> {
    let used = u64::try_from(plan.units_used).unwrap_or(0);
    vec![
        ("Plan", html! { (plan.plan) }),
        ("Compute units used", progress("Compute units used", used, Some(plan.units_limit))),
        ("Compute units set aside", html! { (plan.units_reserved) }),
        ("Compute units left", html! { (plan.units_available) }),
        ("Period ends", moment(plan.period_end, frame.now)),
    ]
}

/// The days on which something happened.
fn plot(days: &[DayRow]) -> Markup {
    let values =
        |of: fn(&DayRow) -> u64| days.iter().map(|day| f64::from(u32::try_from(of(day)).unwrap_or(u32::MAX))).collect();
    Plot {
        id: "days",
        title: "Jobs a day",
        scale: Scale::Days,
        times: days.iter().map(|day| Millis::parse(&day.day).unwrap_or_default()).collect(),
        series: vec![
            Series { name: "Submitted", values: values(|day| day.submitted) },
            Series { name: "Completed", values: values(|day| day.completed) },
            Series { name: "Failed", values: values(|day| day.failed) },
            Series { name: "Compute units", values: values(|day| day.units_used) },
        ],
    }
    .shown()
}
