//! `/console/credentials`: the pools of the credential queue; and `/console/credentials/{id}`, one credential, with what was done to it.

use api::query::Parameters;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use credentials::{CredentialView, LONGEST_PLATFORM, Platform, Status};
use maud::{Markup, html};
use operations::{CredentialAct, TrailEvent};
use table::Millis;
use tallies::PoolTally;

use super::{acted, is_first, paging, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::gate::Form;
use crate::notice::Notice;
use crate::view::badge::{Tone, badge, state};
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::{Page, escaped, with};
use crate::view::table::table;
use crate::view::text::{clipped, shown};
use crate::view::time::{exact, moment_or_none, nothing};

const MISSING: Fault = Fault::NotFound("There is no such credential");
/// The field that says which lease is meant, by its fencing token.
const LEASE: &str = "lease";

/// `GET /console/credentials`: of a platform, or, where none is named, all platforms.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    match parameters.text("platform", LONGEST_PLATFORM)? {
        Some(platform) => of_platform(&app, &frame, platform, &parameters).await,
        None => platforms(&app, &frame).await,
    }
}

async fn platforms(app: &App, frame: &Frame) -> Result<Response, Fault> {
    let (platforms, overview) = tokio::join!(app.pools.platforms(), app.tallies.overview());
    let (platforms, pools) = (platforms?, overview?.pools);
    let rows: Vec<_> = platforms.iter().map(|platform| platform_row(frame, platform, &pools)).collect();
    let columns = ["Platform", "Available", "In use", "Cooling down", "Failed", "Disabled", "Lease"];
    let body = html! {
        h1 { "Credentials" }
        div.actions { a.button href=(frame.to("/credentials/import")) { "Import…" } }
        div #list data-live {
            (table("Platforms, with how many credentials of each there are", &columns, &rows, "There are no platforms."))
        }
    };
    Ok(frame.page(Section::Credentials, "Credentials", &body))
}

fn platform_row(frame: &Frame, platform: &Platform, pools: &[PoolTally]) -> Vec<Markup> {
    let pool = pools.iter().find(|pool| pool.platform == platform.name);
    let number = |of: fn(&PoolTally) -> u64, status: Status| {
        let number = pool.map_or(0, of);
        html! { a href=(frame.to(&list_path(&platform.name, Some(status)))) aria-label=(format!("{number} {}", label(status))) { (number) } }
    };
    vec![
        html! { a href=(frame.to(&list_path(&platform.name, None))) { (shown(&platform.name)) } },
        number(|pool| pool.available, Status::Available),
        number(|pool| pool.in_use, Status::InUse),
        number(|pool| pool.cooldown, Status::Cooldown),
        number(|pool| pool.failed, Status::Failed),
        number(|pool| pool.disabled, Status::Disabled),
        html! { (platform.policy.lease_seconds) " s" },
    ]
}

async fn of_platform(app: &App, frame: &Frame, platform: &str, parameters: &Parameters) -> Result<Response, Fault> {
    let names = Status::ALL.map(|(name, _)| name);
    let status = parameters.word("status", &names)?.map(|place| Status::ALL[place].1);
    let page = app.pools.credentials(platform, status, paging(parameters)?).await?;
    let page = page.ok_or(Fault::NotFound("There is no such platform"))?;
    let mut choices = vec![("All", list_path(platform, None), status.is_none())];
    choices.extend(Status::ALL.map(|(_, each)| (label(each), list_path(platform, Some(each)), status == Some(each))));
    let rows: Vec<_> = page.items.iter().map(|credential| row(frame, credential)).collect();
    let columns = ["Credential", "State", "Held by", "Claimed", "Failures", "Last claimed", "What went wrong"];
    let here = frame.to(&list_path(platform, status));
    let shown_page = Page { address: &here, is_first: is_first(parameters), next: page.next.as_deref() };
    let body = html! {
        p.crumbs { a href=(frame.to("/credentials")) { "Credentials" } }
        h1 { (shown(platform)) }
        div.actions { a.button href=(frame.to(&with("/credentials/import", "platform", platform))) { "Import…" } }
        (tabs(frame, "States", &choices))
        div #list data-live {
            (shown_page.listed("Credentials of the platform", &columns, &rows, "There are none here."))
        }
    };
    Ok(frame.page(Section::Credentials, platform, &body))
}

/// `GET /console/credentials/{id}`.
pub(crate) async fn show(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let id = number(&id)?;
    let (found, trail) = tokio::join!(app.pools.credential(id), app.pools.trail(id, paging(&parameters)?));
    let (credential, trail) = (found?.ok_or(MISSING)?, trail?);
    let rows: Vec<_> = trail.items.iter().map(event).collect();
    let here = frame.to(&format!("/credentials/{id}"));
    let page = Page { address: &here, is_first: is_first(&parameters), next: trail.next.as_deref() };
    let body = html! {
        p.crumbs {
            a href=(frame.to("/credentials")) { "Credentials" } " / "
            a href=(frame.to(&list_path(&credential.platform, None))) { (shown(&credential.platform)) }
        }
        h1 { (clipped(&credential.name, 200)) }
        div #state data-live { (state_of(&frame, &credential)) }
        h2 { "What was done to it" }
        div #trail data-live {
            (page.listed("The newest first", &["When", "What", "Who", "More"], &rows, "Nothing yet."))
        }
    };
    Ok(frame.page(Section::Credentials, &credential.name, &body))
}

/// `GET /console/credentials/{id}/{act}`: whether it is meant.
pub(crate) async fn ask(
    State(app): State<App>,
    frame: Frame,
    Path((id, act)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let (id, act) = (number(&id)?, act_of(&act)?);
    let credential = app.pools.credential(id).await?.ok_or(MISSING)?;
    let (asks, consequence, does) = match act {
        CredentialAct::Reset => {
            ("Reset this credential?", "It becomes available, and its failures are forgotten.", "Reset it")
        }
        CredentialAct::Disable => (
            "Disable this credential?",
            "Nobody gets it until it is enabled again; who holds it loses it.",
            "Disable it",
        ),
        CredentialAct::Enable => ("Enable this credential?", "It becomes available.", "Enable it"),
        CredentialAct::Release => (
            "Take this credential from its holder?",
            "It becomes available at once. Its holder's reports are refused from now on.",
            "Take it back",
        ),
    };
    let question = Question {
        asks,
        about: html! {
            p { strong { (clipped(&credential.name, 200)) } " of " (shown(&credential.platform)) ", " (state(credential.status.as_str())) }
            @if let Some(holder) = &credential.in_use_by { p { "Held by " span.mono { (clipped(holder, 100)) } "." } }
            p { (consequence) }
        },
        path: &format!("/credentials/{id}/{}", act.as_str()),
        does,
        back: &format!("/credentials/{id}"),
    };
    // Of who has it next nobody has asked.
    let lease = credential.lease_token.to_string();
    let meant = [(LEASE, lease.as_str())];
    let asked = question.shown_with(&frame, if act == CredentialAct::Release { &meant } else { &[] });
    Ok(frame.page(Section::Credentials, asks, &asked))
}

/// `POST /console/credentials/{id}/{act}`.
pub(crate) async fn act(
    State(app): State<App>,
    frame: Frame,
    Path((id, act)): Path<(String, String)>,
    Extension(sent): Extension<Form>,
) -> Result<Response, Fault> {
    let (id, act) = (number(&id)?, act_of(&act)?);
    let lease = if act == CredentialAct::Release { Some(sent.number(LEASE)?) } else { None };
    let done = app.pools.act(&frame.actor(), act, id, lease).await;
    let word = match act {
        CredentialAct::Reset => "reset",
        CredentialAct::Disable => "disabled",
        CredentialAct::Enable => "enabled",
        CredentialAct::Release => "released",
    };
    acted(&frame, done, &format!("/credentials/{id}"), Notice::of(word))
}

/// Where a platform's credentials of a state are listed, below the console.
pub(crate) fn list_path(platform: &str, status: Option<Status>) -> String {
    let path = format!("/credentials?platform={}", escaped(platform));
    status.map_or_else(|| path.clone(), |status| with(&path, "status", status.as_str()))
}

const fn label(status: Status) -> &'static str {
    match status {
        Status::Available => "Available",
        Status::InUse => "In use",
        Status::Failed => "Failed",
        Status::Cooldown => "Cooling down",
        Status::Disabled => "Disabled",
    }
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| MISSING)
}

fn act_of(text: &str) -> Result<CredentialAct, Fault> {
    CredentialAct::named(text).ok_or(Fault::NotFound("Nothing of that kind can be done to a credential"))
}

fn time(text: Option<&str>) -> Option<Millis> {
    text.and_then(Millis::parse)
}

/// Where a credential stands, and until when.
fn standing(frame: &Frame, credential: &CredentialView) -> Markup {
    let until = time(credential.cooldown_until.as_deref().or(credential.lease_expires_at.as_deref()));
    html! {
        (state(credential.status.as_str()))
        @if until.is_some() { div.soft { "ends " (moment_or_none(until, frame.now)) } }
    }
}

pub(super) fn row(frame: &Frame, credential: &CredentialView) -> Vec<Markup> {
    vec![
        html! {
            a href=(frame.to(&format!("/credentials/{}", credential.id))) { (clipped(&credential.name, 80)) }
            div.soft { (credential.id) }
        },
        standing(frame, credential),
        credential.in_use_by.as_deref().map_or_else(nothing, |by| html! { span.mono { (clipped(by, 60)) } }),
        html! { (credential.use_count) },
        html! {
            (credential.failure_count)
            @if credential.consecutive_failures > 0 { div.soft { (credential.consecutive_failures) " in a row" } }
        },
        moment_or_none(time(credential.last_used_at.as_deref()), frame.now),
        credential.last_error.as_deref().map_or_else(nothing, |error| clipped(error, 120)),
    ]
}

pub(super) fn state_of(frame: &Frame, credential: &CredentialView) -> Markup {
    let optional = |text: Option<&str>| text.map_or_else(nothing, |text| html! { span.mono { (clipped(text, 200)) } });
    let told = [
        ("State", standing(frame, credential)),
        ("Number", html! { (credential.id) }),
        ("Held by", optional(credential.in_use_by.as_deref())),
        ("Its session", optional(credential.session_id.as_deref())),
        ("Times claimed", html! { (credential.use_count) }),
        ("Times it worked", html! { (credential.success_count) }),
        (
            "Failed since the last reset",
            html! { (credential.failure_count) " times, " (credential.consecutive_failures) " in a row" },
        ),
        ("Last claimed", moment_or_none(time(credential.last_used_at.as_deref()), frame.now)),
        ("Added", moment_or_none(time(Some(&credential.created_at)), frame.now)),
        ("Last change", moment_or_none(time(Some(&credential.updated_at)), frame.now)),
    ];
    html! {
        @if let Some(error) = &credential.last_error { p.fault { (clipped(error, 1_000)) } }
        (facts(&told))
        div.actions {
            @for act in CredentialAct::ALL.into_iter().filter(|act| act.fits(credential.status)) {
                @let path = format!("/credentials/{}/{}", credential.id, act.as_str());
                @match act {
                    CredentialAct::Reset => a.button href=(frame.to(&path)) { "Reset…" },
                    CredentialAct::Enable => a.button href=(frame.to(&path)) { "Enable…" },
                    CredentialAct::Disable => a.button.danger href=(frame.to(&path)) { "Disable…" },
                    CredentialAct::Release => a.button.danger href=(frame.to(&path)) { "Take it back…" },
                }
            }
        }
    }
}

pub(super) fn event(event: &TrailEvent) -> Vec<Markup> {
    let tone = match event.action.as_str() {
        "failure" | "failed" => Tone::Bad,
        "success" => Tone::Good,
        "claimed" => Tone::Busy,
        _ => Tone::Calm,
    };
    vec![
        exact(event.at),
        badge(&event.action, tone),
        html! { span.mono { (clipped(&event.by, 100)) } },
        event.detail.as_deref().map_or_else(nothing, |detail| clipped(detail, 300)),
    ]
}
