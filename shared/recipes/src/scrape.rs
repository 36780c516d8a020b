//! A scrape: one attempt at a portal's records, from a cursor on. Effects are here, what pages say is in `page`.

mod cursor;
mod session;

use std::collections::HashSet;
use std::sync::Arc;

use scraping::export::Row;
use scraping::fetch::Attempts;
use scraping::{Ask, Fetcher, Retries};
use url::Url;

pub use self::cursor::Cursor;
use self::cursor::{fingerprint, step_towards};
use self::session::Session;
pub use self::session::SignIn;
use crate::error::{Change, Fault, Place, ScrapeError};
use crate::page::{Document, Form, Next, Page, Source, read_records};
use crate::recipe::{FormPaging, Json, Listing, Paging, Recipe, Records, Table};
use crate::unique::Unique;

/// How often a page is tried again after a fault of the network or the server.
const RETRIES: usize = 3;
/// How often is signed in for one page: a session may end between signing in and the page.
const SIGN_INS_FOR_A_PAGE: u32 = 3;

/// The records of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The records, each with the recipe's columns, in the portal's order. There may be none: a listing can be empty.
    pub rows: Vec<Row>,
    /// Which page it was.
    pub place: Place,
    /// What a later attempt goes on from, once these records are kept.
    pub cursor: Cursor,
}

/// One attempt at a portal's records.
///
/// [`Scrape::next_page`] may be dropped before it is done, and called again: it goes on from the last page that it gave.
pub struct Scrape<'a> {
    recipe: Arc<Recipe>,
    base: Url,
    session: Session<'a>,
    cursor: Cursor,
    here: Option<Here>,
    /// What was seen so far by this attempt: the pages, and what is unique of the records.
    pages: HashSet<String>,
    unique: Unique,
}

/// Where in the portal one is: none after signing in, or after a fault.
enum Here {
    /// On this page of a listing, whose form leads on.
    Form { page: u32, form: Form },
    /// On the page that shows a listing's records.
    Source(Source),
}

/// A page, and where one is on it.
struct Taken {
    page: Page,
    bytes: u64,
    here: Option<Here>,
}

impl<'a> Scrape<'a> {
    /// Begins at the portal with this base URL, or goes on from a cursor.
    pub fn new(
        fetcher: &'a Fetcher,
        recipe: Arc<Recipe>,
        base: &Url,
        sign_in: SignIn,
        cursor: Option<Cursor>,
    ) -> Result<Self, ScrapeError> {
        let cursor = cursor.unwrap_or_else(|| Cursor::start(&recipe));
        if !cursor.is_of(&recipe) {
            return Err(ScrapeError { place: None, fault: Fault::OtherRecipe });
        }
        let mut base = base.clone();
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let session = Session::new(fetcher, Arc::clone(&recipe), base.clone(), sign_in, cursor.pages() > 0);
        let (pages, unique) = (cursor.last.iter().cloned().collect(), Unique::of(&recipe));
        Ok(Self { recipe, base, session, cursor, here: None, pages, unique })
    }

    /// Whose account it is, by the page after signing in: known once a page was had, if the recipe says where it stands.
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        self.session.entity.as_deref()
    }

    /// What was had so far.
    #[must_use]
    pub const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next page of records; `None` when all were had, and add up to what the portal claims. After an error it may be called again, and tries the
    /// same page.
    pub async fn next_page(&mut self) -> Result<Option<Batch>, ScrapeError> {
        let recipe = Arc::clone(&self.recipe);
        let Some(listing) = recipe.listings.get(self.cursor.listing) else { return Ok(None) };
        let place = Place { listing: listing.name.clone(), page: self.cursor.page + 1 };
        let outcome = match self.patiently(listing).await {
            Ok(taken) => self.accept(taken, place.clone()),
            Err(fault) => Err(fault),
        };
        // A name that is not accepted has nothing to do with a page.
        outcome.map(Some).map_err(|fault| match fault {
            fault @ (Fault::Rejected(_) | Fault::LoginUnclear | Fault::NotLetIn) => ScrapeError { place: None, fault },
            fault => ScrapeError { place: Some(place), fault },
        })
    }

    /// Takes the next page, signing in again where the session has ended, and trying again after what may pass.
    async fn patiently(&mut self, listing: &Listing) -> Result<Taken, Fault> {
        let mut attempts = Attempts::new(self.recipe.limits.page_time(), Retries::Each(RETRIES));
        let mut sign_ins = 0;
        loop {
            // Where it was is not known while it goes on: whatever interrupts it begins at the listing's first page again.
            let here = self.here.take();
            match Box::pin(self.take(listing, here)).await {
                Ok(taken) => return Ok(taken),
                Err(fault) if self.session.has_ended(&fault) && sign_ins < SIGN_INS_FOR_A_PAGE => {
                    tracing::info!(portal = self.recipe.portal.as_str(), "the session has ended: signing in again");
                    sign_ins += 1;
                    self.session.end();
                }
                Err(Fault::Fetch(error)) => attempts.pause_after(error).await?,
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn take(&mut self, listing: &Listing, here: Option<Here>) -> Result<Taken, Fault> {
        let recipe = Arc::clone(&self.recipe);
        self.session.begin().await?;
        match &recipe.records {
            Records::Table(table) => self.take_of_table(listing, table, here).await,
            Records::Json(json) => self.take_of_json(listing, json, here).await,
        }
    }

    async fn take_of_table(&mut self, listing: &Listing, table: &Table, here: Option<Here>) -> Result<Taken, Fault> {
        let wanted = self.cursor.page + 1;
        if let Paging::Form(paging) = &table.paging {
            return self.take_by_form(listing, paging, wanted, here).await;
        }
        let url = self.cursor.next.as_ref().and_then(|next| self.base.join(next).ok());
        self.page_of(Ask::page(url.unwrap_or_else(|| listing.page.at(&self.base))), listing, wanted).await
    }

    /// Goes to a page by forms, each of the page before: from here, or from the first page.
    async fn take_by_form(
        &mut self,
        listing: &Listing,
        paging: &FormPaging,
        wanted: u32,
        mut here: Option<Here>,
    ) -> Result<Taken, Fault> {
        loop {
            let (ask, number) = match &here {
                Some(Here::Form { page, form }) => {
                    let step = step_towards(*page, wanted, paging.block);
                    let said = paging.fields.iter();
                    let said = said.map(|(name, value)| (name.as_str(), value.replace("{page}", &step.to_string())));
                    (Ask::form(form.action.clone(), form.filled(said)), step)
                }
                _ => (Ask::page(listing.page.at(&self.base)), 1),
            };
            let taken = self.page_of(ask, listing, number).await?;
            if number == wanted {
                return Ok(taken);
            }
            if taken.here.is_none() {
                // The last page, and once there were more.
                return Err(Change::Empty.into());
            }
            here = taken.here;
        }
    }

    /// The page of a table that is asked for, which should have this number.
    async fn page_of(&mut self, ask: Ask, listing: &Listing, number: u32) -> Result<Taken, Fault> {
        let (mut page, bytes) = self.records(ask, listing, 0).await?;
        if let Some(shown) = page.current.filter(|shown| *shown != u64::from(number)) {
            return Err(Fault::WrongPage { shown });
        }
        let here = match &mut page.next {
            Some(Next::Form(form)) => form.take().map(|form| Here::Form { page: number, form }),
            _ => None,
        };
        Ok(Taken { page, bytes, here })
    }

    /// The next records of a listing, by the page that shows them: where one is, or the listing's.
    async fn take_of_json(&mut self, listing: &Listing, json: &Json, here: Option<Here>) -> Result<Taken, Fault> {
        let source = match here {
            Some(Here::Source(source)) => source,
            _ => self.source(listing).await?,
        };
        let before = self.cursor.rows;
        let ask = session::ask_for_json(json, &self.base, &source, before, self.cursor.page + 1);
        let (mut page, bytes) = self.records(ask, listing, before).await?;
        page.overall = source.overall;
        Ok(Taken { page, bytes, here: Some(Here::Source(source)) })
    }

    async fn source(&mut self, listing: &Listing) -> Result<Source, Fault> {
        let ask = Ask::page(listing.page.at(&self.base));
        let read =
            |recipe: &Recipe, text: &str, url: &Url| Document::of_signed_in(text, url, &recipe.login)?.source(recipe);
        Ok(self.session.read(ask, read).await?.0)
    }

    /// What is answered, as records; and its size in bytes.
    async fn records(&mut self, ask: Ask, listing: &Listing, before: u64) -> Result<(Page, u64), Fault> {
        let name = listing.name.clone();
        let read = move |recipe: &Recipe, text: &str, url: &Url| read_records(recipe, &name, before, text, url);
        self.session.read(ask, read).await
    }

    /// Judges a page by all that is known from those before it; then it is one of them.
    fn accept(&mut self, taken: Taken, place: Place) -> Result<Batch, Fault> {
        let Taken { page, bytes, here } = taken;
        let next = match &page.next {
            Some(Next::Link(link)) => Some(self.base.make_relative(link).unwrap_or_else(|| link.to_string())),
            _ => None,
        };
        let fingerprint = fingerprint(&page.rows);
        if !page.rows.is_empty() && self.pages.contains(&fingerprint) {
            return Err(Fault::Repeats);
        }
        let cursor = self.cursor.after(&self.recipe, &page, bytes, next, &fingerprint)?;
        self.unique.note_page(&page.rows)?;
        self.pages.insert(fingerprint);
        self.here = here.filter(|_| cursor.listing == self.cursor.listing);
        self.cursor = cursor.clone();
        Ok(Batch { rows: page.rows, place, cursor })
    }
}
