//! How far a scrape has come. Pure.

use std::num::NonZeroU32;

use scraping::export::Row;
use serde::{Deserialize, Serialize};

use crate::error::{Change, Fault};
use crate::page::Page;
use crate::recipe::Recipe;
use crate::unique::digest;

/// The longest link to a next page that is remembered, in bytes.
const LONGEST_LINK: usize = 2_048;

/// How far a scrape has come: what a later attempt goes on from. Its form is JSON, of less than 3 kB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    portal: String,
    version: u32,
    /// Which listing it is at; one after the last when all were had.
    pub(super) listing: usize,
    /// How many pages of this listing were had.
    pub(super) page: u32,
    /// How many records they have.
    pub(super) rows: u64,
    /// How many records the listing has, by the portal's first word.
    claimed: Option<u64>,
    /// How many records all listings have, by the portal's first word.
    overall: Option<u64>,
    /// How many records the listings before this one have.
    earlier: u64,
    /// How many pages were had in all, and their bytes.
    pages: u32,
    bytes: u64,
    /// The last page that had records.
    pub(super) last: Option<String>,
    /// Where the next page is, where links lead there.
    pub(super) next: Option<String>,
}

impl Cursor {
    /// The beginning.
    pub(super) fn start(recipe: &Recipe) -> Self {
        Self {
            portal: recipe.portal.as_str().to_owned(),
            version: recipe.version,
            listing: 0,
            page: 0,
            rows: 0,
            claimed: None,
            overall: None,
            earlier: 0,
            pages: 0,
            bytes: 0,
            last: None,
            next: None,
        }
    }

    pub(super) fn is_of(&self, recipe: &Recipe) -> bool {
        self.portal == recipe.portal.as_str() && self.version == recipe.version
    }

    /// How many records were had.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.earlier + self.rows
    }

    /// How many there are by the portal's own count, as far as it has said so: of all listings, or of those up to this one.
    #[must_use]
    pub fn claimed(&self) -> Option<u64> {
        let so_far = || (self.pages > 0).then(|| self.earlier + self.claimed.unwrap_or(0));
        self.overall.or_else(so_far)
    }

    /// How many pages were had.
    #[must_use]
    pub const fn pages(&self) -> u32 {
        self.pages
    }

    /// The cursor after one more page; or why that page cannot come after those before it.
    pub(super) fn after(
        &self,
        recipe: &Recipe,
        page: &Page,
        bytes: u64,
        next: Option<String>,
        fingerprint: &str,
    ) -> Result<Self, Fault> {
        let mut cursor = self.clone();
        let found = page.rows.len() as u64;
        cursor.claimed = Some(unmoved(self.claimed, page.total)?);
        if let Some(overall) = page.overall {
            cursor.overall = Some(unmoved(self.overall, overall)?);
        }
        cursor.rows += found;
        cursor.page += 1;
        cursor.pages += 1;
        cursor.bytes += bytes;
        cursor.within(recipe)?;
        if found > 0 {
            cursor.last = Some(fingerprint.to_owned());
        }
        let is_last = page.next.is_none();
        if cursor.rows > page.total || is_last && cursor.rows < page.total {
            return Err(Fault::Total { claimed: page.total, found: cursor.rows });
        }
        if found == 0 && !is_last {
            return Err(Change::Empty.into());
        }
        if next.as_ref().is_some_and(|next| next.len() > LONGEST_LINK) {
            return Err(Fault::TooMuch { what: "bytes of a link", most: LONGEST_LINK as u64 });
        }
        cursor.next = next;
        if is_last { cursor.at_next_listing(recipe) } else { Ok(cursor) }
    }

    fn at_next_listing(mut self, recipe: &Recipe) -> Result<Self, Fault> {
        self.earlier += self.rows;
        (self.page, self.rows, self.claimed, self.next) = (0, 0, None, None);
        self.listing += 1;
        let found = self.earlier;
        match self.overall {
            Some(claimed) if claimed < found || self.listing == recipe.listings.len() && claimed != found => {
                Err(Fault::Overall { claimed, found })
            }
            _ => Ok(self),
        }
    }

    fn within(&self, recipe: &Recipe) -> Result<(), Fault> {
        let limits = &recipe.limits;
        for (what, is, most) in [
            ("pages", self.pages.into(), limits.pages.into()),
            ("records", self.records(), limits.rows),
            ("bytes", self.bytes, limits.bytes),
        ] {
            if is > most {
                return Err(Fault::TooMuch { what, most });
            }
        }
        Ok(())
    }
}

/// A number that should be the same on each page.
fn unmoved(before: Option<u64>, now: u64) -> Result<u64, Fault> {
    match before {
        Some(before) if before != now => Err(Fault::Moved { before, now }),
        _ => Ok(now),
    }
}

/// The page that is asked for on the way from one page to a later one, where the pager names its pages in blocks of this size, and the next block's first.
pub(super) fn step_towards(at: u32, wanted: u32, block: Option<NonZeroU32>) -> u32 {
    let Some(block) = block else { return wanted };
    let next_block = ((at - 1) / block + 1) * block.get() + 1;
    wanted.min(next_block)
}

/// What a page of records is known by.
pub(super) fn fingerprint(rows: &[Row]) -> String {
    let mut text = String::new();
    for value in rows.iter().flat_map(Row::values) {
        text.push_str(&value.to_string());
        text.push('\u{1f}');
    }
    format!("{:032x}", digest(&text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Recipes;
    use crate::page::Next;

    fn page(rows: u64, total: u64, has_next: bool) -> Page {
        let rows = (0..rows).map(|row| Row::from_iter([("a".to_owned(), json!(row))])).collect();
        Page { rows, total, overall: None, current: None, next: has_next.then_some(Next::Records) }
    }

    #[test]
    fn a_pagers_blocks_are_crossed_by_their_first_pages() {
        let block = NonZeroU32::new;
        for (at, wanted, size, expected) in [
            (1, 57, None, 57),
            (1, 2, block(10), 2),
            (1, 10, block(10), 10),
            (1, 11, block(10), 11),
            (1, 12, block(10), 11),
            (11, 57, block(10), 21),
            (10, 57, block(10), 11),
            (51, 57, block(10), 57),
            (1, 3, block(1), 2),
            (2, 3, block(1), 3),
        ] {
            assert_eq!(step_towards(at, wanted, size), expected, "{at} to {wanted} by {size:?}");
        }
    }

    #[test]
    fn pages_must_add_up() {
        let recipe = Recipes::load().unwrap().of("pwmr").unwrap();
        let told = |pages: &[(u64, u64, bool)]| {
            let mut cursor = Cursor::start(&recipe);
            for (at, (rows, total, has_next)) in pages.iter().enumerate() {
                match cursor.after(&recipe, &page(*rows, *total, *has_next), 1, None, &at.to_string()) {
                    Ok(next) => cursor = next,
                    Err(fault) => return fault.to_string(),
                }
            }
            format!("{} records of {:?}, {} pages", cursor.records(), cursor.claimed(), cursor.pages())
        };
        for (pages, expected) in [
            (&[(50, 80, true), (30, 80, false)][..], "80 records of Some(80), 2 pages"),
            (&[(50, 80, true)], "50 records of Some(80), 1 pages"),
            (&[(0, 0, false)], "0 records of Some(0), 1 pages"),
            (
                &[(50, 80, true), (29, 80, false)],
                "the total does not add up: the portal claims 80 records, and shows 79",
            ),
            (
                &[(50, 80, true), (31, 80, true)],
                "the total does not add up: the portal claims 80 records, and shows 81",
            ),
            (
                &[(50, 80, true), (30, 81, false)],
                "the records changed while they were read: the portal claimed 80 at first, and 81 now",
            ),
            (
                &[(50, 80, true), (0, 80, true)],
                "the page's layout has changed: it shows no records, and there should be more",
            ),
            (
                &[(50, 80, true), (0, 80, false)],
                "the total does not add up: the portal claims 80 records, and shows 50",
            ),
        ] {
            assert_eq!(told(pages), expected, "{pages:?}");
        }
    }

    #[test]
    fn a_recipes_limits_hold() {
        let mut recipe = Recipe::parse(include_str!("../../portals/pwmr.json")).unwrap();
        recipe.limits.rows = 99;
        recipe.limits.pages = 2;
        recipe.limits.bytes = 1_000;
        let cursor = Cursor::start(&recipe);
        let after = |cursor: &Cursor, rows, bytes| cursor.after(&recipe, &page(rows, 1_000, true), bytes, None, "");
        assert_eq!(after(&cursor, 100, 1).unwrap_err().to_string(), "there is more than the recipe allows: 99 records");
        assert_eq!(
            after(&cursor, 1, 1_001).unwrap_err().to_string(),
            "there is more than the recipe allows: 1000 bytes"
        );
        let second = after(&after(&cursor, 1, 1).unwrap(), 1, 1).unwrap();
        assert_eq!(after(&second, 1, 1).unwrap_err().to_string(), "there is more than the recipe allows: 2 pages");
    }

    #[test]
    fn a_cursor_is_read_again_and_belongs_to_its_recipe() {
        let recipes = Recipes::load().unwrap();
        let (recipe, other) = (recipes.of("pwmr").unwrap(), recipes.of("bwmr").unwrap());
        let cursor = Cursor::start(&recipe)
            .after(&recipe, &page(50, 80, true), 1_000, Some("x?page=2".to_owned()), "f")
            .unwrap();
        let read: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
        assert_eq!(read, cursor);
        assert!(cursor.is_of(&recipe) && !cursor.is_of(&other));
    }
}
