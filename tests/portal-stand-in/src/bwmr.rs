//! Battery waste: a portal as Laravel's are, with a table that its page fills from JSON. The CSRF token stands in the page's head, and is another one in each session.

use std::collections::HashMap;

use axum::extract::{Form, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::html::{between, cookie, escape, field, page, status, to, with_cookie};
use crate::plan::What;
use crate::records::Portal;
use crate::sheet::{Sheet, Source};
use crate::stand_in::{Account, Session, StandIn};

/// What its one listing is called.
pub(crate) const LISTING: &str = "Transactions";
/// The most records that are given at once.
const MOST_AT_ONCE: u64 = 200;
const COOKIE: &str = "bwmr_session";
const LOGIN: &str = "/bwmr/login";
/// The names of the fields, in the order of the columns.
const KEYS: [&str; 9] =
    ["DT_RowIndex", "txn", "producer", "recycler", "battery_type", "credits", "units", "transferred_on", "certificate"];

pub(crate) fn routes() -> Router<StandIn> {
    Router::new()
        .route("/login", get(login_page).post(login))
        .route("/home", get(home))
        .route("/transactions", get(transactions))
        .route("/api/transactions", get(data))
}

async fn login_page(State(stand_in): State<StandIn>, Query(query): Query<HashMap<String, String>>) -> Response {
    let failed = query.contains_key("failed");
    login_form(
        &stand_in,
        if failed {
            r#"<div class="alert alert-danger">These credentials do not match our records.</div>"#
        } else {
            ""
        },
    )
}

fn login_form(stand_in: &StandIn, error: &str) -> Response {
    let (visitor, token) = stand_in.visitor();
    let html = format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Battery EPR</title></head><body>
<form role="search" action="/bwmr/search" method="get"><input name="q"></form>
{error}
<form method="POST" action="/bwmr/login"><input type="hidden" name="_token" value="{token}">
<input name="email" type="email" required><input name="password" type="password" required>
<button type="submit">Sign in</button></form></body></html>"#
    );
    with_cookie(page(html), &format!("{COOKIE}={visitor}; expires=Fri, 01 Jan 2099 00:00:00 GMT; path=/bwmr; httponly"))
}

async fn login(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    if !stand_in.is_visitor(cookie(&headers, COOKIE), field(&form, "_token")) {
        return status(419);
    }
    let name = field(&form, "email");
    let Some(session) = stand_in.sign_in(Portal::Bwmr, name, field(&form, "password")) else {
        return to("/bwmr/login?failed");
    };
    let troubles = stand_in.troubles(Portal::Bwmr, name, 0);
    match stand_in.instead(&troubles, &session, LOGIN, || to(LOGIN)).await {
        Some(answer) => answer,
        None => with_cookie(to("home"), &format!("{COOKIE}={session}; path=/bwmr; httponly; samesite=lax")),
    }
}

async fn home(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    match signed_in(&stand_in, &headers) {
        Some((_, _, account)) => page(format!("<html><body>{}</body></html>", banner(&account))),
        None => to(LOGIN),
    }
}

async fn transactions(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    let Some((_, session, account)) = signed_in(&stand_in, &headers) else { return to(LOGIN) };
    let plan = &account.plan;
    let of_page = plan.troubles.iter().filter(|trouble| trouble.page.is_none()).map(|trouble| trouble.what);
    let troubles: Vec<_> = of_page.filter(|what| !matches!(what, What::LoginForm | What::SessionEnds)).collect();
    let sheet = source(&session.account, &account).sheet(1, &troubles);
    let token = if sheet.has_token {
        format!(r#"<meta name="csrf-token" content="{}">"#, session.token)
    } else {
        String::new()
    };
    let headers = between("<th>", &sheet.headers, "</th>");
    let table = format!(r#"<table id="transactions"><thead><tr>{headers}</tr></thead><tbody></tbody></table>"#);
    let tables = table.repeat(sheet.tables as usize);
    page(format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8">{token}</head><body>{}{tables}
<script>$("\#transactions").DataTable({{serverSide: true, ajax: "/bwmr/api/transactions"}});</script></body></html>"#,
        banner(&account)
    ))
}

async fn data(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Some((cookie, session, account)) = signed_in(&stand_in, &headers) else {
        return (StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthenticated."}))).into_response();
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("x-csrf-token") != session.token || header("x-requested-with") != "XMLHttpRequest" {
        return (
            StatusCode::from_u16(419).unwrap_or(StatusCode::FORBIDDEN),
            Json(json!({"message": "CSRF token mismatch."})),
        )
            .into_response();
    }
    let number = |name: &str| query.get(name).and_then(|value| value.parse::<u64>().ok());
    let (Some(start), Some(length), Some(draw)) = (number("start"), number("length"), number("draw")) else {
        return status(500);
    };
    let page_size = length.clamp(1, MOST_AT_ONCE);
    let page = u32::try_from(start / page_size + 1).unwrap_or(1);
    let troubles = stand_in.troubles(Portal::Bwmr, &session.account, page);
    if let Some(answer) =
        stand_in.instead(&troubles, &cookie, "/bwmr/api/transactions", || login_form(&stand_in, "")).await
    {
        return answer;
    }
    let sheet =
        Source { page_size, skipped: start % page_size, ..source(&session.account, &account) }.sheet(page, &troubles);
    answer(&sheet, draw)
}

fn answer(sheet: &Sheet, draw: u64) -> Response {
    let plain = Portal::Bwmr.headers();
    // What a column is called there, where it is called something else in the table.
    let keys: Vec<&str> = sheet
        .headers
        .iter()
        .map(|header| plain.iter().position(|plain| plain == header).map_or("other", |at| KEYS[at]))
        .collect();
    let rows = sheet.rows.iter().map(|cells| {
        let fields = keys.iter().zip(cells).map(|(key, cell)| ((*key).to_owned(), value(key, cell)));
        Value::Object(fields.collect::<Map<_, _>>())
    });
    let mut told = json!({"draw": draw, "data": rows.collect::<Vec<_>>()});
    if let (Some(total), Some(told)) = (&sheet.total, told.as_object_mut()) {
        let plain = total.replace(',', "");
        let total = plain.parse::<u64>().map_or_else(|_| Value::from(total.as_str()), Value::from);
        told.insert("recordsTotal".to_owned(), total.clone());
        told.insert("recordsFiltered".to_owned(), total);
    }
    let told = if sheet.tables == 0 { json!({"draw": draw, "error": "view [transactions] not found"}) } else { told };
    ([(CONTENT_TYPE, "application/json")], told.to_string()).into_response()
}

/// A cell as such portals put it into JSON: numbers of both kinds, and texts.
fn value(key: &str, cell: &str) -> Value {
    match key {
        "DT_RowIndex" | "units" => cell.parse::<u64>().map_or_else(|_| cell.into(), Value::from),
        "certificate" if cell.is_empty() => Value::Null,
        _ => cell.into(),
    }
}

fn signed_in(stand_in: &StandIn, headers: &HeaderMap) -> Option<(String, Session, Account)> {
    let (cookie, session) = stand_in.session(Portal::Bwmr, headers, COOKIE)?;
    let account = stand_in.account(Portal::Bwmr, &session.account)?;
    Some((cookie, session, account))
}

fn source<'a>(name: &'a str, account: &Account) -> Source<'a> {
    Source {
        portal: Portal::Bwmr,
        account: name,
        listing: LISTING,
        records: account.records,
        first: account.first,
        page_size: MOST_AT_ONCE,
        skipped: 0,
    }
}

fn banner(account: &Account) -> String {
    format!(r#"<nav><span data-signed-in data-entity="{}">Account</span></nav>"#, escape(&account.entity))
}
