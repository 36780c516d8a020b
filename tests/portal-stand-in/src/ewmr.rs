//! E-waste: a portal as plain PHP has them, in windows-1252. Its table is split over tabs, each of linked pages; all of them have to add up to the number at the top.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::html::{between, cookie, escape, field, to, with_cookie};
use crate::plan::What;
use crate::records::{Portal, indian};
use crate::sheet::{Sheet, Source};
use crate::stand_in::{Account, Session, StandIn};

const PAGE_SIZE: u64 = 25;
const COOKIE: &str = "PHPSESSID";
const LOGIN: &str = "/ewmr/signin.php";
const TABS: [(&str, &str); 4] = [
    ("producers", "Producers"),
    ("manufacturers", "Manufacturers"),
    ("recyclers", "Recyclers"),
    ("refurbishers", "Refurbishers"),
];

pub(crate) fn routes() -> Router<StandIn> {
    Router::new().route("/signin.php", get(sign_in_page).post(sign_in)).route("/entities.php", get(entities))
}

/// The tabs, and how many of an account's records each has. The last has none.
pub(crate) fn listings(records: u64) -> Vec<(&'static str, u64)> {
    let (half, third) = (records / 2, records / 3);
    let counts = [records - half - third, half, third, 0];
    TABS.iter().zip(counts).map(|((_, name), count)| (*name, count)).collect()
}

async fn sign_in_page(State(stand_in): State<StandIn>) -> Response {
    form(&stand_in, "")
}

fn form(stand_in: &StandIn, error: &str) -> Response {
    let (visitor, token) = stand_in.visitor();
    let html = format!(
        r#"<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1252"><title>E-Waste</title></head><body>
{error}<form name="signin" method="post"><input type="hidden" name="csrf" value="{token}">
User <input name="userid"> Password <input name="passwd" type="PASSWORD"> <input type="submit" value="Sign in"></form></body></html>"#
    );
    with_cookie(page(&html), &format!("{COOKIE}={visitor}"))
}

async fn sign_in(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    if !stand_in.is_visitor(cookie(&headers, COOKIE), field(&fields, "csrf")) {
        return form(&stand_in, "<p class=\"error\">Please try again.</p>");
    }
    let name = field(&fields, "userid");
    let Some(session) = stand_in.sign_in(Portal::Ewmr, name, field(&fields, "passwd")) else {
        let error = format!("<p class=\"error\">{} is unknown, or the password is wrong</p>", escape(name));
        return form(&stand_in, &error);
    };
    let troubles = stand_in.troubles(Portal::Ewmr, name, 0);
    match stand_in.instead(&troubles, &session, LOGIN, || to(LOGIN)).await {
        Some(answer) => answer,
        None => with_cookie(to("entities.php?tab=producers"), &format!("{COOKIE}={session}")),
    }
}

async fn entities(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Some((cookie, session)) = stand_in.session(Portal::Ewmr, &headers, COOKIE) else { return form(&stand_in, "") };
    let Some(account) = stand_in.account(Portal::Ewmr, &session.account) else { return to(LOGIN) };
    let tab = query.get("tab").map_or("producers", String::as_str);
    let Some(at) = TABS.iter().position(|(name, _)| *name == tab) else { return to(LOGIN) };
    let number = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
    // The page after signing in is one of records, too: what goes wrong with it is said of it as of the others, but not when it is the first that is seen.
    let troubles = stand_in.troubles(Portal::Ewmr, &session.account, number);
    let own = format!("/ewmr/entities.php?tab={tab}");
    if let Some(answer) = stand_in.instead(&troubles, &cookie, &own, || form(&stand_in, "")).await {
        return answer;
    }
    let (listing, records) = listings(account.records)[at];
    let source = Source {
        portal: Portal::Ewmr,
        account: &session.account,
        listing,
        records,
        first: None,
        page_size: PAGE_SIZE,
        skipped: 0,
    };
    page(&html(&source.sheet(number, &troubles), &account, &session, at, &troubles))
}

fn html(sheet: &Sheet, account: &Account, session: &Session, at: usize, troubles: &[What]) -> String {
    let counts = listings(account.records);
    let tab = |place: usize| {
        let ((name, title), (_, count)) = (TABS[place], counts[place]);
        let (class, count) = match &sheet.total {
            Some(total) if place == at => (" class=\"active\"", format!(" ({total})")),
            None if place == at => (" class=\"active\"", String::new()),
            _ => ("", format!(" ({})", indian(count))),
        };
        format!(r#"<li{class}><a href="entities.php?tab={name}" title="{title}">{title}{count}</a></li>"#)
    };
    let mut tabs: String = (0..TABS.len()).map(tab).collect();
    if sheet.has_more_tabs {
        tabs.push_str(r#"<li><a href="entities.php?tab=dismantlers" title="Dismantlers">Dismantlers (7)</a></li>"#);
    }
    let table = table(sheet).repeat(sheet.tables as usize);
    let next = if sheet.page < sheet.pages {
        format!(r#" <a rel="next" href="?tab={}&amp;page={}">Next &raquo;</a>"#, TABS[at].0, sheet.page + 1)
    } else {
        String::new()
    };
    let content = if sheet.rows.is_empty() && !troubles.contains(&What::NoRows) {
        "<p class=\"nothing\">No entities</p>".to_owned()
    } else {
        table
    };
    format!(
        r#"<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1252"><title>E-Waste</title></head><body>
<div class="welcome">Welcome, {entity}</div><a href='signout.php'>Sign out</a> <!-- {token} -->
<p class="summary">Registered entities: {all}</p><ul class="tabs">{tabs}</ul>
<div class="tab-content">{content}</div><div class="pager">Page {page} of {pages}{next}</div></body></html>"#,
        entity = escape(&account.entity),
        token = session.token,
        all = indian(account.records),
        page = sheet.page,
        pages = sheet.pages,
    )
}

fn table(sheet: &Sheet) -> String {
    let headers = between("<th><b>", &sheet.headers, "</b>");
    // Without end tags, as HTML allows.
    let row = |cells: &Vec<String>| format!("<tr>{}\n", between("<td>", cells, ""));
    let rows: String = sheet.rows.iter().map(row).collect();
    format!("<table border=1><tr>{headers}\n{rows}</table>")
}

/// A page in windows-1252, which only its own head says.
fn page(html: &str) -> Response {
    let bytes: Vec<u8> = html.chars().map(byte).collect();
    ([(CONTENT_TYPE, "text/html")], bytes).into_response()
}

fn byte(c: char) -> u8 {
    match c {
        '’' => 0x92,
        '–' => 0x96,
        c => u8::try_from(u32::from(c)).unwrap_or(b'?'),
    }
}
