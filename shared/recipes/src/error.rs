//! What may go wrong with a portal, in words for whoever's account it is.

use std::fmt;

use scraping::FetchError;
use thiserror::Error;

/// The most characters of a portal's text that a message repeats.
const SHOWN_CHARS: usize = 80;

/// A scrape that ends here. The message says where and why, and never a password.
#[derive(Debug, Error)]
#[error("{}{fault}", Prefix(.place.as_ref()))]
pub struct ScrapeError {
    /// Where, if it was among the records.
    pub place: Option<Place>,
    /// Why.
    #[source]
    pub fault: Fault,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The listing's name.
    pub listing: String,
    /// The page's number, from 1.
    pub page: u32,
}

struct Prefix<'a>(Option<&'a Place>);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Some(Place { listing, page }) => write!(f, "{listing}, page {page}: "),
            None => Ok(()),
        }
    }
}

/// Why a scrape ends.
#[derive(Debug, Error)]
pub enum Fault {
    /// A page could not be had.
    #[error("{0}")]
    Fetch(FetchError),
    /// The portal did not accept the name and the password.
    #[error("the portal did not accept the name and password{}", said(.0.as_deref()))]
    Rejected(Option<String>),
    /// After signing in, the page is neither of the two that the recipe knows.
    #[error("the portal's login has changed: the page after it says neither that it worked nor that it did not")]
    LoginUnclear,
    /// The portal shows its login form after signing in, and does not say why; the name and the password were accepted before.
    #[error(
        "the portal shows its login form after signing in, and does not say why; it accepted the name and password before"
    )]
    NotLetIn,
    /// After signing in, the account is another's than before.
    #[error("the account was {}'s when this was begun, and is {}'s now", shown(.before), shown(.now))]
    OtherEntity {
        /// Whose it was.
        before: String,
        /// Whose it is.
        now: String,
    },
    /// The portal wants one to sign in for this page, however often one does.
    #[error("the portal shows its login form instead of the page, also after signing in again")]
    SignedOut,
    /// The page is not as the recipe has it.
    #[error("the page's layout has changed: {0}")]
    Layout(Change),
    /// A cell is not of its column's type.
    #[error("row {row}: '{column}' should be {expected}, and is '{}'", shown(.text))]
    Value {
        /// The row's number on its page, from 1.
        row: usize,
        /// What the column's header says.
        column: String,
        /// What the cell should be.
        expected: String,
        /// What the cell is.
        text: String,
    },
    /// What should be JSON is not.
    #[error("the portal answered with something else than JSON")]
    NotJson,
    /// The number of records that the portal claims is not the number that it shows.
    #[error("the total does not add up: the portal claims {claimed} records, and shows {found}")]
    Total {
        /// What it claims of this listing.
        claimed: u64,
        /// How many there were up to this page, which is the last, or one too many.
        found: u64,
    },
    /// The listings do not add up to what the portal claims of all of them.
    #[error("the total does not add up: the portal claims {claimed} records in all, and its listings have {found}")]
    Overall {
        /// What it claims.
        claimed: u64,
        /// How many there were.
        found: u64,
    },
    /// What the portal claims became another number meanwhile: its records change while they are read.
    #[error("the records changed while they were read: the portal claimed {before} at first, and {now} now")]
    Moved {
        /// What it claimed first.
        before: u64,
        /// What it claims now.
        now: u64,
    },
    /// The page is the same as one before it.
    #[error("the page repeats the rows of an earlier one")]
    Repeats,
    /// A record was there before.
    #[error("row {row}: '{column}' is '{}', as it was of an earlier record", shown(.text))]
    Duplicate {
        /// The row's number on its page, from 1.
        row: usize,
        /// The column's name in the file.
        column: String,
        /// What is there twice.
        text: String,
    },
    /// Of the records that were kept, two have the same where no two should.
    #[error("'{column}' is '{}' of two records: they changed while they were read", shown(.text))]
    Twice {
        /// The column's name in the file.
        column: String,
        /// What is there twice.
        text: String,
    },
    /// The records that were kept are not as many as were had.
    #[error("{had} records were had, and {kept} are kept")]
    Kept {
        /// How many were had.
        had: u64,
        /// How many there are.
        kept: u64,
    },
    /// The portal showed another page than the one that was asked for.
    #[error("the portal showed page {shown} instead")]
    WrongPage {
        /// The one that it showed.
        shown: u64,
    },
    /// There is more than the recipe allows.
    #[error("there is more than the recipe allows: {most} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The most.
        most: u64,
    },
    /// To read the page takes longer than a page may.
    #[error("the page cannot be read: it takes too long, or it is not one that a browser would show")]
    Unreadable,
    /// The cursor is of another recipe, or of another version of this one.
    #[error("the recipe is another one than when this was begun")]
    OtherRecipe,
}

/// What is not as the recipe has it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Change {
    /// What there should be one of is not there.
    #[error("there is no {what} ({selector})")]
    Missing {
        /// What it is.
        what: &'static str,
        /// The selector that finds it.
        selector: String,
    },
    /// What there should be one of is there several times.
    #[error("there is more than one {what} ({selector})")]
    Several {
        /// What it is.
        what: &'static str,
        /// The selector that finds it.
        selector: String,
    },
    /// The columns are not those of the recipe.
    #[error("{}", Columns { missing, unknown })]
    Columns {
        /// Those of the recipe that are not there.
        missing: Vec<String>,
        /// Those that the recipe does not know.
        unknown: Vec<String>,
    },
    /// Two columns have the same header.
    #[error("two columns are called '{}'", shown(.0))]
    SameHeader(String),
    /// A row has more or fewer cells than the header.
    #[error("row {row} has {cells} cells for {columns} columns")]
    Cells {
        /// The row's number on its page, from 1.
        row: usize,
        /// How many cells it has.
        cells: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A form lacks a field.
    #[error("the form has no field '{}'", shown(.0))]
    Field(String),
    /// A form cannot be sent as the recipe means it.
    #[error("the form is not one that is posted within the portal")]
    Form,
    /// The listings are not those of the recipe.
    #[error("the tabs are {}, and the recipe has {}", list(.found), list(.expected))]
    Tabs {
        /// Those that are there.
        found: Vec<String>,
        /// Those of the recipe.
        expected: Vec<String>,
    },
    /// What should be a number is none.
    #[error("{what} should be a whole number, and is '{}'", shown(.text))]
    Number {
        /// What it is.
        what: &'static str,
        /// What is there.
        text: String,
    },
    /// A page says that another follows, and shows no records.
    #[error("it shows no records, and there should be more")]
    Empty,
}

struct Columns<'a> {
    missing: &'a [String],
    unknown: &'a [String],
}

impl fmt::Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.missing, self.unknown) {
            (missing, []) => write!(f, "the table has no column {}", list(missing)),
            ([], unknown) => write!(f, "the table has a column that the recipe does not know: {}", list(unknown)),
            (missing, unknown) => {
                write!(
                    f,
                    "the table has no column {}, and has one that the recipe does not know: {}",
                    list(missing),
                    list(unknown)
                )
            }
        }
    }
}

/// What may be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Go on from the last cursor, some time later.
    Later,
    /// Begin anew: what was had and what there is now are not of one piece.
    Anew,
    /// Nothing, until somebody has changed the recipe, the account or the portal.
    Nothing,
}

impl ScrapeError {
    /// What may be done about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match &self.fault {
            Fault::Fetch(error) if error.is_transient() || error.is_of_the_server() => Remedy::Later,
            Fault::NotLetIn => Remedy::Later,
            Fault::Total { .. }
            | Fault::Overall { .. }
            | Fault::Moved { .. }
            | Fault::Repeats
            | Fault::Duplicate { .. }
            | Fault::Twice { .. }
            | Fault::Kept { .. }
            | Fault::OtherEntity { .. }
            | Fault::WrongPage { .. }
            | Fault::OtherRecipe => Remedy::Anew,
            _ => Remedy::Nothing,
        }
    }
}

impl From<Change> for Fault {
    fn from(change: Change) -> Self {
        Self::Layout(change)
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

/// A portal's text as a message repeats it.
fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn said(text: Option<&str>) -> String {
    text.map(|text| format!(", and says: {}", shown(text))).unwrap_or_default()
}

/// Names in a message; of many, the first.
fn list(names: &[String]) -> String {
    const MOST: usize = 5;
    let mut listed: Vec<_> = names.iter().take(MOST).map(|name| format!("'{}'", shown(name))).collect();
    if names.len() > MOST {
        listed.push(format!("{} more", names.len() - MOST));
    }
    listed.join(", ")
}
