//! `/console/jobs`: those of a kind, of all tenants or of one; and the one of an id.

use api::query::Parameters;
use axum::extract::State;
use axum::response::Response;
use jobs::Status;
use maud::{Markup, html};
use operations::{Found, Hold, JobFilter, JobName, JobRow, Kind, Listing};
use table::Millis;
use uuid::Uuid;

use super::{is_first, paging, tabs, tenant};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section, see_other};
use crate::page::{schedules, tasks};
use crate::view::badge::{Tone, badge, state};
use crate::view::pager::{Page, escaped, with};
use crate::view::progress::percent;
use crate::view::text::clipped;
use crate::view::time::{moment, nothing};

/// How much of an error a list shows, in characters.
const ERROR: usize = 120;
/// How much of a title.
const TITLE: usize = 80;

/// The choices among the jobs of all tenants, and what each is called.
const OF_ALL: [(&str, &str, JobFilter); 4] = [
    ("open", "Waiting or running", JobFilter::Open),
    ("resting", "Resting", JobFilter::Resting),
    ("paused", "Put aside", JobFilter::Paused),
    ("failed", "Failed", JobFilter::Failed),
];
/// Those among the jobs of one tenant.
const OF_ONE: [(&str, &str, Option<Status>); 6] = [
    ("any", "In any state", None),
    ("pending", "Pending", Some(Status::Pending)),
    ("running", "Running", Some(Status::Running)),
    ("completed", "Completed", Some(Status::Completed)),
    ("failed", "Failed", Some(Status::Failed)),
    ("cancelled", "Cancelled", Some(Status::Cancelled)),
];

/// What a kind is called on pages.
pub(crate) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Extract => "Extraction tasks",
        Kind::Portal => "Portal jobs",
        Kind::Video => "Video jobs",
    }
}

/// The kind that a query string names; the first unless it names one.
pub(crate) fn kind_of(parameters: &Parameters) -> Result<Kind, Fault> {
    let names = Kind::ALL.map(Kind::as_str);
    Ok(parameters.word("kind", &names)?.map_or(Kind::Extract, |place| Kind::ALL[place]))
}

/// Where a job's page is, below the console.
pub(crate) fn path_of(job: &JobName) -> String {
    format!("/jobs/{}/{}?tenant={}", job.kind.as_str(), job.id, escaped(&job.tenant))
}

/// `GET /console/jobs`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let (kind, tenant) = (kind_of(&parameters)?, tenant(&parameters)?);
    let wanted = parameters.text("status", 20)?;
    let Some(asked) = filter(wanted, tenant)? else {
        return Ok(see_other(&frame.to(&address(kind, Some("any"), tenant))));
    };
    let found = match &asked {
        Asked::For(filter) => Some(app.operations.jobs(kind, filter, paging(&parameters)?).await?),
        Asked::OfATenant => None,
    };
    let here = address(kind, wanted, tenant);
    let kinds = kinds(Some(kind), wanted, tenant);
    let body = html! {
        h1 { "Jobs" }
        (tabs(&frame, "Kinds of jobs", &kinds))
        (choices(&frame, kind, wanted, tenant))
        div #list data-live {
            @match &found {
                Some(found) => (listed(&frame, kind, found, &here, is_first(&parameters))),
                None => p.empty { "Of all tenants together only jobs are listed that wait, run, rest or have failed. For others, name a tenant." },
            }
        }
    };
    Ok(frame.page(Section::Jobs, name(kind), &body))
}

/// `GET /console/jobs/find`: on to whatever has an id.
pub(crate) async fn find(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let text = parameters.text("id", 100)?.unwrap_or_default().trim();
    // Only the worker API's tasks have numbers.
    if let Ok(number) = text.parse::<u64>() {
        let task = app.fleet.task(number).await?;
        let task = task.ok_or(Fault::NotFound("No worker task has this number"))?;
        return Ok(see_other(&frame.to(&tasks::path_of(task.id))));
    }
    let id: Uuid =
        text.parse().map_err(|_| Fault::Invalid("id: an id is a UUID, or the number of a worker task".to_owned()))?;
    match Box::pin(app.operations.find(id)).await? {
        Some(Found::Job(job)) => Ok(see_other(&frame.to(&path_of(&job)))),
        Some(Found::Schedule(schedule)) => Ok(see_other(&frame.to(&schedules::path_of(&schedule)))),
        None => Err(Fault::NotFound("Nothing has this id. What was made a moment ago may not be found yet")),
    }
}

/// The lists of jobs, as links side by side: those of each kind, filtered alike, and the worker API's tasks, which are shown where no kind is.
pub(crate) fn kinds(
    shown: Option<Kind>,
    wanted: Option<&str>,
    tenant: Option<&str>,
) -> Vec<(&'static str, String, bool)> {
    let of_kind = |kind| (name(kind), address(kind, wanted, tenant), shown == Some(kind));
    let tasks = ("Worker tasks", tasks::PATH.to_owned(), shown.is_none());
    Kind::ALL.into_iter().map(of_kind).chain([tasks]).collect()
}

/// What a list is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// These jobs.
    For(JobFilter),
    /// Jobs that are listed of one tenant at a time, and none is named.
    OfATenant,
}

/// Which jobs are asked for; none where what all tenants' jobs are listed by is asked for of one.
fn filter(wanted: Option<&str>, tenant: Option<&str>) -> Result<Option<Asked>, Fault> {
    let of_all = || OF_ALL.into_iter().find(|(word, ..)| Some(*word) == wanted.or(Some("open")));
    let of_one = || OF_ONE.into_iter().find(|(word, ..)| Some(*word) == wanted.or(Some("any")));
    let is_known = wanted.is_none() || of_all().is_some() || of_one().is_some();
    if !is_known {
        return Err(Fault::Invalid("status: there is no such state".to_owned()));
    }
    Ok(match tenant {
        None => Some(of_all().map_or(Asked::OfATenant, |(_, _, filter)| Asked::For(filter))),
        Some(tenant) => of_one().map(|(_, _, status)| Asked::For(JobFilter::Of(tenant.to_owned(), status))),
    })
}

/// The address of a list, below the console.
fn address(kind: Kind, wanted: Option<&str>, tenant: Option<&str>) -> String {
    let mut address = format!("/jobs?kind={}", kind.as_str());
    for (name, value) in [("status", wanted), ("tenant", tenant)] {
        if let Some(value) = value {
            address = with(&address, name, value);
        }
    }
    address
}

fn choices(frame: &Frame, kind: Kind, wanted: Option<&str>, tenant: Option<&str>) -> Markup {
    let chosen = wanted.unwrap_or(if tenant.is_some() { "any" } else { "open" });
    // Only what can be listed so is offered.
    let offered: Vec<_> = match tenant {
        Some(_) => OF_ONE.iter().map(|(word, name, _)| (*word, *name)).collect(),
        None => OF_ALL.iter().map(|(word, name, _)| (*word, *name)).collect(),
    };
    html! {
        form.filters method="get" action=(frame.to("/jobs")) {
            input type="hidden" name="kind" value=(kind.as_str());
            div {
                label for="status" { "Which" }
                select #status name="status" {
                    @for (word, name) in offered { option value=(word) selected[chosen == word] { (name) } }
                }
            }
            div.wide {
                label for="tenant" { "Tenant" }
                input #tenant name="tenant" value=(tenant.unwrap_or_default()) maxlength="200" autocomplete="off" spellcheck="false";
            }
            button { "Show" }
        }
        (finder(frame))
    }
}

/// Asks for the id of anything.
pub(crate) fn finder(frame: &Frame) -> Markup {
    html! {
        form.filters method="get" action=(frame.to("/jobs/find")) role="search" aria-label="Jobs by id" {
            div.wide {
                label for="id" { "Id of a job or schedule of any kind, or number of a worker task" }
                input #id name="id" required maxlength="100" autocomplete="off" spellcheck="false" placeholder="018d0a7c-5f80-7000-8000-000000000001";
            }
            button { "Find" }
        }
    }
}

fn listed(frame: &Frame, kind: Kind, found: &Listing<JobRow>, here: &str, is_first: bool) -> Markup {
    let rows: Vec<_> = found.items.iter().map(|job| row(frame, job)).collect();
    let columns = ["Job", "State", "Progress", "Held by", "Attempts", "Submitted", "What went wrong"];
    let page = Page { address: &frame.to(here), is_first, next: found.next.as_deref() };
    page.listed(name(kind), &columns, &rows, "There are none here.")
}

pub(super) fn row(frame: &Frame, job: &JobRow) -> Vec<Markup> {
    vec![
        html! {
            a href=(frame.to(&path_of(&job.name))) { @if job.title.trim().is_empty() { "(no name)" } @else { (clipped(&job.title, TITLE)) } }
            div.soft { (job.sort.replace('_', " ")) " · " (clipped(&job.name.tenant, TITLE)) }
        },
        standing(job),
        progress_of(job),
        held(job.held.as_ref(), frame.now),
        html! { (job.attempts) },
        moment(job.created_at, frame.now),
        job.error.as_deref().map_or_else(nothing, |error| clipped(error, ERROR)),
    ]
}

/// Where a job stands.
pub(crate) fn standing(job: &JobRow) -> Markup {
    if job.paused {
        badge("put aside", Tone::Warning)
    } else if job.rests {
        badge("resting", Tone::Calm)
    } else {
        state(job.status.as_str())
    }
}

/// How far a job is, and what has become of its parts.
pub(crate) fn progress_of(job: &JobRow) -> Markup {
    html! {
        (percent("Progress", u64::from(job.progress)))
        @if let Some(parts) = job.parts {
            div.soft {
                (parts.total.saturating_sub(parts.open)) " of " (parts.total) " parts"
                @if parts.failed > 0 { ", " (parts.failed) " failed" }
            }
        }
    }
}

/// Who has something, and for how long.
pub(crate) fn held(hold: Option<&Hold>, now: Millis) -> Markup {
    match hold {
        Some(hold) => html! { span.mono { (clipped(&hold.by, TITLE)) } div.soft { (moment(hold.until, now)) } },
        None => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_listed_is_and_for_the_rest_a_tenant_is_asked() {
        let of = |status| Some(Asked::For(JobFilter::Of("t".to_owned(), status)));
        for (wanted, tenant, asked) in [
            (None, None, Some(Asked::For(JobFilter::Open))),
            (Some("failed"), None, Some(Asked::For(JobFilter::Failed))),
            (Some("completed"), None, Some(Asked::OfATenant)),
            (None, Some("t"), of(None)),
            (Some("any"), Some("t"), of(None)),
            (Some("open"), Some("t"), None),
            (Some("paused"), Some("t"), None),
            (Some("failed"), Some("t"), of(Some(Status::Failed))),
            (Some("cancelled"), Some("t"), of(Some(Status::Cancelled))),
        ] {
            assert_eq!(filter(wanted, tenant).unwrap(), asked, "{wanted:?} {tenant:?}");
        }
        assert!(filter(Some("lost"), None).is_err());
    }

    #[test]
    fn an_address_holds_whatever_a_tenant_is_called() {
        let job = JobName::new(Kind::Portal, "A & B/ü?", Uuid::nil()).unwrap();
        assert_eq!(path_of(&job), format!("/jobs/portal/{}?tenant=A+%26+B%2F%C3%BC%3F", Uuid::nil()));
        assert_eq!(address(Kind::Video, Some("any"), Some("a&b")), "/jobs?kind=video&status=any&tenant=a%26b");
    }
}
