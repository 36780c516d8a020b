//! `/console/proxies`: the proxies of the worker API, without their passwords.

use api::query::Parameters;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use operations::ProxyRow;

use super::{acted, is_first, paging, word};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::notice::Notice;
use crate::view::badge::state;
use crate::view::confirm::Question;
use crate::view::pager::Page;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment_or_none, nothing};

const MISSING: Fault = Fault::NotFound("There is no such proxy");

/// `GET /console/proxies`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let found = app.fleet.proxies(paging(&parameters)?).await?;
    let here = frame.to("/proxies");
    let page = Page { address: &here, is_first: is_first(&parameters), next: found.next.as_deref() };
    let rows: Vec<_> = found.items.iter().map(|proxy| row(&frame, proxy)).collect();
    let columns = ["Proxy", "State", "Country", "User", "Failures in a row", "Last worked", "Last failed", "Switch"];
    let body = html! {
        h1 { "Proxies" }
        div #list data-live {
            (page.listed("Proxies, the newest first", &columns, &rows, "There are no proxies yet: the worker API adds them."))
        }
    };
    Ok(frame.page(Section::Proxies, "Proxies", &body))
}

/// `GET /console/proxies/{id}/disable`: whether it is meant.
pub(crate) async fn ask_disable(
    State(app): State<App>,
    frame: Frame,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let proxy = app.fleet.proxy(number(&id)?).await?.ok_or(MISSING)?;
    let question = Question {
        asks: "Switch this proxy off?",
        about: html! { p { span.mono { (shown(&proxy.host)) ":" (proxy.port) } " is given to nobody until it is switched on again." } },
        path: &format!("/proxies/{}/disable", proxy.id),
        does: "Switch it off",
        back: "/proxies",
    };
    Ok(frame.page(Section::Proxies, question.asks, &question.shown(&frame)))
}

/// `POST /console/proxies/{id}/disable`.
pub(crate) async fn disable(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let act = app.fleet.switch_proxy(&frame.actor(), number(&id)?, false).await;
    acted(&frame, act, "/proxies", Notice::of("proxy-off"))
}

/// `POST /console/proxies/{id}/enable`.
pub(crate) async fn enable(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let act = app.fleet.switch_proxy(&frame.actor(), number(&id)?, true).await;
    acted(&frame, act, "/proxies", Notice::of("proxy-on"))
}

fn number(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| MISSING)
}

pub(super) fn row(frame: &Frame, proxy: &ProxyRow) -> Vec<Markup> {
    let name = format!("{}:{}", proxy.host, proxy.port);
    vec![
        html! { span.mono { (clipped(&name, 100)) } div.soft { (word(proxy.proxy_type)) " · " (proxy.id) } },
        html! {
            (state(proxy.status))
            @if proxy.resting_until.is_some() { " until " (moment_or_none(proxy.resting_until, frame.now)) }
        },
        proxy.country.as_deref().map_or_else(nothing, |country| clipped(country, 40)),
        html! {
            @if let Some(user) = &proxy.username { (clipped(user, 60)) } @else { (nothing()) }
            @if proxy.has_password { span.soft { " with a password" } }
        },
        html! { (proxy.error_count) },
        moment_or_none(proxy.last_succeeded_at, frame.now),
        moment_or_none(proxy.last_failed_at, frame.now),
        switch(frame, proxy, &name),
    ]
}

fn switch(frame: &Frame, proxy: &ProxyRow, name: &str) -> Markup {
    let off = format!("/proxies/{}/disable", proxy.id);
    let on = format!("/proxies/{}/enable", proxy.id);
    html! {
        div.actions {
            @if proxy.status != "active" {
                (frame.form(&on, &html! { button aria-label={ "Switch on " (shown(name)) } { "Switch on" } }))
            }
            @if proxy.status != "disabled" {
                a.button.danger href=(frame.to(&off)) aria-label={ "Switch off " (shown(name)) "…" } { "Switch off…" }
            }
        }
    }
}
