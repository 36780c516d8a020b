//! Plastic waste: a portal as ASP.NET Web Forms has them. Each page is one form with a view state and an anti-forgery token; its grid pages by posting them back.
//! The pager is a row of the grid, with a table in it, and names ten pages at once: others are refused, as event validation does.

use axum::Router;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::html::{between, cookie, escape, field, page, status, to, with_cookie};
use crate::plan::What;
use crate::records::Portal;
use crate::sheet::{Sheet, Source};
use crate::stand_in::{Account, Session, StandIn, secret};

/// What its one listing is called.
pub(crate) const LISTING: &str = "Procurement";
const PAGE_SIZE: u64 = 50;
/// How many pages the pager names at once.
const BLOCK: u32 = 10;
const SESSION: &str = "ASP.NET_SessionId";
const TOKEN: &str = "__RequestVerificationToken";
const LOGIN: &str = "/pwmr/Login.aspx";

pub(crate) fn routes() -> Router<StandIn> {
    Router::new()
        .route("/Login.aspx", get(login_page).post(login))
        .route("/Dashboard.aspx", get(dashboard))
        .route("/Procurement.aspx", get(first_page).post(post_back))
}

async fn login_page(State(stand_in): State<StandIn>) -> Response {
    login_form(&stand_in, "")
}

fn login_form(stand_in: &StandIn, error: &str) -> Response {
    let (visitor, token) = stand_in.visitor();
    let html = format!(
        r#"<!DOCTYPE html><html><head><title>EPR Portal: Plastic</title></head><body>
<form id="loginForm" method="post" action="./Login.aspx">
<div class="aspNetHidden"><input type="hidden" name="__VIEWSTATE" value="{state}"><input type="hidden" name="{TOKEN}" value="{token}"></div>
{error}
<label>User <input name="ctl00$Main$txtUserName" type="text"></label>
<label>Password <input name="ctl00$Main$txtPassword" type="password"></label>
<input type="checkbox" name="ctl00$Main$chkRemember">
<input type="submit" name="ctl00$Main$btnLogin" value="Log in">
</form></body></html>"#,
        state = view_state(200),
    );
    with_cookie(page(html), &format!("{TOKEN}={visitor}; path=/; HttpOnly"))
}

async fn login(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let is_own = stand_in.is_visitor(cookie(&headers, TOKEN), field(&form, TOKEN));
    if !is_own || field(&form, "__VIEWSTATE").is_empty() || field(&form, "ctl00$Main$btnLogin") != "Log in" {
        return status(500);
    }
    let name = field(&form, "ctl00$Main$txtUserName");
    let Some(session) = stand_in.sign_in(Portal::Pwmr, name, field(&form, "ctl00$Main$txtPassword")) else {
        let error = r#"<div class="validation-summary-errors">Invalid user name or password.</div>"#;
        return login_form(&stand_in, error);
    };
    let troubles = stand_in.troubles(Portal::Pwmr, name, 0);
    match stand_in.instead(&troubles, &session, LOGIN, || to(LOGIN)).await {
        Some(answer) => answer,
        None => {
            with_cookie(to("/pwmr/Dashboard.aspx"), &format!("{SESSION}={session}; path=/; HttpOnly; SameSite=Lax"))
        }
    }
}

async fn dashboard(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    match signed_in(&stand_in, &headers) {
        Some((_, _, account)) => page(format!("<html><body>{}<p>Welcome.</p></body></html>", banner(&account))),
        None => to(LOGIN),
    }
}

async fn first_page(State(stand_in): State<StandIn>, headers: HeaderMap) -> Response {
    match signed_in(&stand_in, &headers) {
        Some((cookie, session, account)) => show(&stand_in, &cookie, &session, &account, 1).await,
        None => to(LOGIN),
    }
}

async fn post_back(
    State(stand_in): State<StandIn>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let Some((cookie, session, account)) = signed_in(&stand_in, &headers) else { return to(LOGIN) };
    let wanted = field(&form, "__EVENTARGUMENT").strip_prefix("Page$").and_then(|page| page.parse().ok());
    let last = session.view_state.as_ref().filter(|(state, _)| state == field(&form, "__VIEWSTATE"));
    let is_own = field(&form, TOKEN) == session.token && field(&form, "__EVENTTARGET") == "ctl00$Main$grdProcurement";
    match (wanted, last) {
        (Some(wanted), Some((_, at)))
            if is_own && named(*at, source(&session.account, &account).pages()).contains(&wanted) =>
        {
            show(&stand_in, &cookie, &session, &account, wanted).await
        }
        // "Validation of viewstate MAC failed", "Invalid postback or callback argument"
        _ => status(500),
    }
}

fn signed_in(stand_in: &StandIn, headers: &HeaderMap) -> Option<(String, Session, Account)> {
    let (cookie, session) = stand_in.session(Portal::Pwmr, headers, SESSION)?;
    let account = stand_in.account(Portal::Pwmr, &session.account)?;
    Some((cookie, session, account))
}

fn source<'a>(name: &'a str, account: &Account) -> Source<'a> {
    Source {
        portal: Portal::Pwmr,
        account: name,
        listing: LISTING,
        records: account.records,
        first: account.first,
        page_size: PAGE_SIZE,
        skipped: 0,
    }
}

/// The pages that the pager names beside this one.
fn named(at: u32, pages: u32) -> Vec<u32> {
    let first = (at - 1) / BLOCK * BLOCK + 1;
    let around = first.saturating_sub(1).max(1)..=(first + BLOCK).min(pages);
    around.filter(|page| *page != at).collect()
}

async fn show(stand_in: &StandIn, cookie: &str, session: &Session, account: &Account, number: u32) -> Response {
    let troubles = stand_in.troubles(Portal::Pwmr, &session.account, number);
    let login = || login_form(stand_in, "");
    if let Some(answer) = stand_in.instead(&troubles, cookie, "/pwmr/Procurement.aspx", login).await {
        return answer;
    }
    let sheet = source(&session.account, account).sheet(number, &troubles);
    let state = view_state(3_000);
    stand_in.show(cookie, state.clone(), if troubles.contains(&What::Repeat) { number } else { sheet.page });
    page(html(&sheet, account, session, &state))
}

fn html(sheet: &Sheet, account: &Account, session: &Session, state: &str) -> String {
    let token = if sheet.has_token {
        format!(r#"<input type="hidden" name="{TOKEN}" value="{}">"#, session.token)
    } else {
        String::new()
    };
    let total = sheet.total.as_ref().map_or(String::new(), |total| {
        format!(r#"<span id="ctl00_Main_lblCount">Showing {} of {total} records</span>"#, sheet.rows.len())
    });
    let next = if sheet.page < sheet.pages { r##"<a id="ctl00_Main_lnkNext" href="#">Next</a>"## } else { "" };
    let grids: String = (0..sheet.tables).map(|_| grid(sheet)).collect();
    format!(
        r#"<!DOCTYPE html><html><head><title>EPR Portal: Plastic</title></head><body>
<form method="post" action="./Procurement.aspx" id="aspnetForm">
<div class="aspNetHidden"><input type="hidden" name="__EVENTTARGET" value=""><input type="hidden" name="__EVENTARGUMENT" value="">
<input type="hidden" name="__VIEWSTATE" value="{state}">{token}</div>
{banner}
<table class="menu"><tr><td>Home</td><td>Procurement</td></tr></table>
<select name="ctl00$Main$ddlYear"><option value="2025">2025</option><option value="2026" selected>2026</option></select>
<input type="submit" name="ctl00$Main$btnExport" value="Export">
{total}{grids}{next}
</form></body></html>"#,
        banner = banner(account),
    )
}

fn banner(account: &Account) -> String {
    format!(
        r#"<div><span id="ctl00_lblEntity">{}</span> <a id="ctl00_lnkLogout" href="Logout.aspx">Log out</a></div>"#,
        escape(&account.entity)
    )
}

fn grid(sheet: &Sheet) -> String {
    let columns = sheet.headers.len();
    if sheet.rows.is_empty() && sheet.pages == 1 {
        return format!(
            r#"<table id="ctl00_Main_grdProcurement"><tr><td class="grid-empty" colspan="{columns}">No records found.</td></tr></table>"#
        );
    }
    let headers = between("<th scope=\"col\">", &sheet.headers, "</th>");
    let row = |cells: &Vec<String>| format!("<tr>{}</tr>\n", between("<td>\r\n\t", cells, "</td>"));
    let rows: String = sheet.rows.iter().map(row).collect();
    let link = |page: u32| {
        let text = if (page - 1) / BLOCK == (sheet.page - 1) / BLOCK { page.to_string() } else { "...".to_owned() };
        format!(r#"<td><a href="javascript:__doPostBack('ctl00$Main$grdProcurement','Page${page}')">{text}</a></td>"#)
    };
    let links: String = named(sheet.page, sheet.pages).into_iter().map(link).collect();
    let pager = if sheet.pages > 1 {
        let at = sheet.page;
        format!(
            r#"<tr class="grid-pager"><td colspan="{columns}"><table><tr><td><span>{at}</span></td>{links}</tr></table></td></tr>"#
        )
    } else {
        String::new()
    };
    format!(r#"<table id="ctl00_Main_grdProcurement" rules="all"><tr>{headers}</tr>{rows}{pager}</table>"#)
}

/// A view state of about this many bytes.
fn view_state(bytes: usize) -> String {
    let noise: Vec<u8> = (0..bytes).map(|_| fastrand::u8(..)).collect();
    STANDARD.encode([secret().as_bytes(), &noise].concat())
}
