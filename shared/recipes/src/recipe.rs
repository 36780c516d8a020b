//! What a recipe says: the types are its schema. A field that they do not know, a selector that is none, a path that leads out of the portal: each is an error
//! that names its place in the file ([`Recipe::parse`]).

mod check;
mod parts;

use std::num::NonZeroU32;
use std::time::Duration;

use indexmap::IndexMap;
use scraping::Format;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

pub use self::parts::{Css, DateFormat, Name, Pointer, SitePath, Spot};

/// How the records of one portal are had. Paths are relative to the portal's base URL, which is the operator's to configure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The portal's name: that of the file.
    pub portal: Name,
    /// Grows with each change of this file: an attempt goes on only from where the same version was.
    pub version: u32,
    /// What the records are, for people.
    pub title: String,
    /// How to sign in.
    pub login: Login,
    /// Where the first page after signing in says whose account it is.
    pub entity: Option<Spot>,
    /// The pages that the records begin on: several where a table is split over tabs.
    pub listings: Vec<Listing>,
    /// Where each listing's first page names all listings: one that the recipe does not have is an error.
    pub tabs: Option<Spot>,
    /// Where each listing's first page says how many records all listings have together.
    pub overall: Option<Spot>,
    /// The column of the file that says which listing a record is of.
    pub listing_column: Option<Name>,
    /// How the records stand on these pages.
    pub records: Records,
    /// The columns of the table, all of them.
    pub columns: Vec<Column>,
    /// What is made of it.
    pub file: File,
    /// When it is too much.
    pub limits: Limits,
}

/// How to sign in: by a form with a name and a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The page of the form.
    pub page: SitePath,
    /// The form. A page that has it is one where one has to sign in; as is one that has a field for a password, and not what `succeeded` finds.
    pub form: Css,
    /// The field for the name.
    pub user: String,
    /// The field for the password.
    pub password: String,
    /// Hidden fields that must be there to be sent back, such as a CSRF token or a view state. All hidden fields are sent back.
    #[serde(default)]
    pub carry: Vec<String>,
    /// What else is sent, such as the button that is pressed.
    #[serde(default)]
    pub also: IndexMap<String, String>,
    /// What only a page has that is shown to somebody signed in.
    pub succeeded: Css,
    /// Where a page says why the name and password were not accepted.
    pub rejected: Css,
}

/// A page that records begin on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Its name: what its tab is called.
    pub name: String,
    /// Its first page.
    pub page: SitePath,
}

/// How records stand on pages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// In a table of HTML, which the portal divides into pages.
    Table(Box<Table>),
    /// In JSON, which a page asks for and shows as a table.
    Json(Box<Json>),
}

/// Records in a table of HTML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The table: one on each page.
    pub table: Css,
    /// Rows of the table that are no records, such as a pager's.
    pub ignore: Option<Css>,
    /// What stands there where there are no records.
    pub empty: Option<Css>,
    /// Where each page says how many records the listing has.
    pub total: Spot,
    /// Where each page says which one it is, if it does.
    pub current: Option<Spot>,
    /// What only a page has that another follows. For links, it is the link.
    pub next: Css,
    /// How the next page is had.
    pub paging: Paging,
}

/// How the next page is had.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// By following the link to it.
    Link,
    /// By posting a form of the page before it.
    Form(FormPaging),
}

/// Pages by posting a form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormPaging {
    /// The form.
    pub form: Css,
    /// Hidden fields that must be there to be sent back. All hidden fields are sent back.
    #[serde(default)]
    pub carry: Vec<String>,
    /// The fields that say which page is wanted: `{page}` stands for its number.
    pub fields: IndexMap<String, String>,
    /// How many pages the pager names at once: from one of them, those of its block and the next block's first can be asked for. Where it is absent, any
    /// page can.
    pub block: Option<NonZeroU32>,
}

/// Records in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Where it is asked for.
    pub source: SitePath,
    /// What is asked: `{offset}`, `{size}` and `{page}` stand for how many records come before, how many are wanted, and the page's number.
    pub query: IndexMap<String, String>,
    /// How many records are asked for at once.
    pub page_size: NonZeroU32,
    /// Headers, and where the page says what is in them, such as a CSRF token.
    #[serde(default)]
    pub headers: IndexMap<String, Spot>,
    /// The list of records, each an object.
    pub rows: Pointer,
    /// How many records the listing has.
    pub total: Pointer,
    /// The table on the page, whose header has the columns.
    pub table: Css,
}

/// A column of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What its header says.
    pub header: String,
    /// Its name in the file; none of a column that is not taken.
    pub name: Option<Name>,
    /// What its cells are.
    #[serde(rename = "type", default)]
    pub column_type: ColumnType,
    /// How its dates are written, as by strftime: `%d-%m-%Y`.
    pub format: Option<DateFormat>,
    /// Its field in records of JSON.
    pub key: Option<String>,
    /// Whether a cell may be empty.
    #[serde(default)]
    pub optional: bool,
    /// Whether no two records have the same in it.
    #[serde(default)]
    pub unique: bool,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text, its white space collapsed.
    #[default]
    Text,
    /// A whole number; separators of thousands are left out.
    Integer,
    /// A number of at most fifteen digits, which is then exact.
    Decimal,
    /// A date, in the file as `2026-11-22`.
    Date,
    /// Nothing that is wanted, such as a row's number or its buttons.
    Ignored,
}

/// The file that is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without an extension.
    pub name: Name,
    /// Its forms.
    pub formats: Vec<Format>,
}

/// When it is too much: whoever meets one of these fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most pages of records.
    pub pages: u32,
    /// The most records.
    pub rows: u64,
    /// The most bytes of pages with records, as they are decoded.
    pub bytes: u64,
    /// How often is signed in at most.
    pub sign_ins: u32,
    /// How long one page may take, in seconds.
    pub page_seconds: u16,
}

impl Limits {
    /// How long one page may take.
    #[must_use]
    pub fn page_time(&self) -> Duration {
        Duration::from_secs(self.page_seconds.into())
    }
}

/// Why a text is no recipe.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{place}: {reason}")]
pub struct Mistake {
    /// Where, as `columns[3].format`.
    pub place: String,
    /// Why.
    pub reason: String,
}

impl Recipe {
    /// Reads a recipe; gives the first mistake.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut json = serde_json::Deserializer::from_str(text);
        let recipe: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| Mistake { place: error.path().to_string(), reason: error.inner().to_string() })?;
        json.end().map_err(|error| Mistake { place: ".".to_owned(), reason: error.to_string() })?;
        check::check(&recipe)?;
        Ok(recipe)
    }

    /// The columns of the file, in their order: the listing's, where it is wanted, comes first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.listing_column.iter().map(Name::as_str).chain(self.columns.iter().filter_map(Column::taken))
    }

    /// A row as the file has it: `cells` are those of the columns that are taken.
    pub(crate) fn row(&self, listing: &str, cells: Vec<Value>) -> Map<String, Value> {
        let listing = self.listing_column.as_ref().map(|_| Value::from(listing));
        self.names().map(str::to_owned).zip(listing.into_iter().chain(cells)).collect()
    }

    /// The name of the column that no two records have the same in, if there is one.
    pub(crate) fn unique(&self) -> Option<&str> {
        self.columns.iter().find(|column| column.unique).and_then(Column::taken)
    }
}

impl Column {
    /// Its name in the file, if it is in it.
    pub(crate) fn taken(&self) -> Option<&str> {
        self.name.as_ref().map(Name::as_str)
    }
}
