//! What stands on a page, by a recipe. Pure: from text to rows, forms and numbers.

mod cells;
mod form;
mod json;
mod table;

use std::time::Instant;

use reqwest::header::{HeaderName, HeaderValue};
use scraper::{Html, Selector};
use scraping::export::Row;
use scraping::selectors::{self, document};
use url::Url;

use self::cells::whole_number;
pub(crate) use self::form::Form;
use crate::error::{Change, Fault};
use crate::recipe::{Login, Paging, Recipe, Records, Spot, Table};

/// The most records of one page.
const MOST_ROWS: usize = 10_000;

/// A page of HTML.
pub(crate) struct Document {
    html: Html,
    base: Url,
}

/// What one page has of the records.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// How many records the listing has, by the portal's own count.
    pub(crate) total: u64,
    /// How many all listings have.
    pub(crate) overall: Option<u64>,
    /// Which page it says it is.
    pub(crate) current: Option<u64>,
    /// How the next page is had; none follows the last.
    pub(crate) next: Option<Next>,
}

/// How the next page is had.
#[derive(Debug)]
pub(crate) enum Next {
    /// Here.
    Link(Url),
    /// By this form, until it is taken.
    Form(Option<Form>),
    /// By asking for the records that come after.
    Records,
}

/// What a page says about how the records are asked for that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// How many records all listings have, if the page says so.
    pub(crate) overall: Option<u64>,
}

/// What the page after signing in says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    SignedIn { entity: Option<String> },
    Rejected(Option<String>),
    Unclear,
}

/// The records of one answer to somebody who is signed in. `listing` is what their listing is called, and `before` how many of it come before.
pub(crate) fn read_records(recipe: &Recipe, listing: &str, before: u64, text: &str, url: &Url) -> Result<Page, Fault> {
    match &recipe.records {
        Records::Table(table) => Document::of_signed_in(text, url, &recipe.login)?.table_page(recipe, listing, table),
        Records::Json(json) => {
            let Ok(answer) = serde_json::from_str(text) else {
                // A login form, it may be, of a portal that answers with one whatever is asked.
                Document::of_signed_in(text, url, &recipe.login)?;
                return Err(Fault::NotJson);
            };
            json::page(recipe, listing, json, before, answer)
        }
    }
}

impl Document {
    /// Parses a page that was read at `url`.
    pub(crate) fn parse(text: &str, url: &Url) -> Result<Self, Fault> {
        let html = document::parse(text, Instant::now() + selectors::MAX_TIME).ok_or(Fault::Unreadable)?;
        let base = document::base_url(&html, url);
        Ok(Self { html, base })
    }

    /// The same, where somebody must be signed in: a login form is a fault.
    pub(crate) fn of_signed_in(text: &str, url: &Url, login: &Login) -> Result<Self, Fault> {
        let document = Self::parse(text, url)?;
        if document.is_login(login) { Err(Fault::SignedOut) } else { Ok(document) }
    }

    /// Whether one has to sign in here: there is the form for it; or, whatever the form is like now, a field for a password, and nothing that only those see
    /// who are signed in (who may have a field to change it).
    fn is_login(&self, login: &Login) -> bool {
        let password = Selector::parse("input[type=password i]").ok();
        let has_password = password.is_some_and(|password| document::select(&self.html, &password).next().is_some());
        login.form.first(&self.html).is_some() || has_password && login.succeeded.first(&self.html).is_none()
    }

    /// The form to sign in with.
    pub(crate) fn login_form(&self, login: &Login) -> Result<Form, Fault> {
        let form = Form::read(self, &login.form, "login form", &login.carry)?;
        for field in [&login.user, &login.password] {
            form.require(field)?;
        }
        Ok(form)
    }

    /// What the page after signing in says.
    pub(crate) fn told(&self, recipe: &Recipe) -> Told {
        let login = &recipe.login;
        if let Some(element) = login.rejected.first(&self.html) {
            let said = selectors::words(element);
            return Told::Rejected(Some(said).filter(|said| !said.is_empty()));
        }
        if self.is_login(login) {
            return Told::Rejected(None);
        }
        if login.succeeded.first(&self.html).is_none() {
            return Told::Unclear;
        }
        Told::SignedIn { entity: recipe.entity.as_ref().and_then(|spot| spot.read(&self.html)) }
    }

    /// A page of a table: `listing` is what the listing is called.
    fn table_page(&self, recipe: &Recipe, listing: &str, table: &Table) -> Result<Page, Fault> {
        self.check_tabs(recipe)?;
        let rows = table::rows(&self.html, table, &recipe.columns)?;
        // A pager of one page may not be shown at all.
        let current = table.current.as_ref().and_then(|spot| spot.read(&self.html));
        let current = current.map(|text| count("number of the page", text)).transpose()?;
        Ok(Page {
            rows: rows.into_iter().map(|cells| recipe.row(listing, cells)).collect(),
            total: self.number("total", &table.total)?,
            overall: self.overall(recipe)?,
            current,
            next: self.next(table)?,
        })
    }

    fn next(&self, table: &Table) -> Result<Option<Next>, Fault> {
        let Some(next) = table.next.first(&self.html) else { return Ok(None) };
        match &table.paging {
            Paging::Link => {
                let missing = || Change::Missing { what: "link to the next page", selector: table.next.to_string() };
                let link = next.attr("href").and_then(|href| self.base.join(href).ok()).ok_or_else(missing)?;
                Ok(Some(Next::Link(link)))
            }
            Paging::Form(paging) => Form::read(self, &paging.form, "form for the next page", &paging.carry)
                .map(|form| Some(Next::Form(Some(form)))),
        }
    }

    /// How the records are asked for that this page shows.
    pub(crate) fn source(&self, recipe: &Recipe) -> Result<Source, Fault> {
        self.check_tabs(recipe)?;
        let headers = match &recipe.records {
            Records::Table(_) => Vec::new(),
            Records::Json(json) => {
                table::check_header(&self.html, &json.table, &recipe.columns)?;
                json::headers(&self.html, json)?
            }
        };
        Ok(Source { headers, overall: self.overall(recipe)? })
    }

    fn overall(&self, recipe: &Recipe) -> Result<Option<u64>, Fault> {
        recipe.overall.as_ref().map(|spot| self.number("total of all listings", spot)).transpose()
    }

    fn check_tabs(&self, recipe: &Recipe) -> Result<(), Fault> {
        let Some(spot) = &recipe.tabs else { return Ok(()) };
        let found: Vec<_> = spot.read_all(&self.html).take(2 * recipe.listings.len() + 1).collect();
        let expected: Vec<_> = recipe.listings.iter().map(|listing| listing.name.clone()).collect();
        let is_same = found.len() == expected.len() && expected.iter().all(|name| found.contains(name));
        if is_same { Ok(()) } else { Err(Change::Tabs { found, expected }.into()) }
    }

    fn number(&self, what: &'static str, spot: &Spot) -> Result<u64, Fault> {
        let missing = || Change::Missing { what, selector: spot.to_string() };
        let text = spot.read(&self.html).ok_or_else(missing)?;
        count(what, text)
    }
}

/// A number of something.
fn count(what: &'static str, text: String) -> Result<u64, Fault> {
    let number = whole_number(&text).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| Change::Number { what, text }.into())
}

#[cfg(test)]
mod tests;
