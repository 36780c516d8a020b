//! Pages: how many, from where on, and what is on one.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use table::{Key, Millis, TableError, cursor};
use thiserror::Error;

/// The most of anything on a page.
pub const MOST: u32 = 100;
/// The longest partition key, in bytes (the service's limit).
const LONGEST_PARTITION: usize = 2_048;
/// The longest sort key, in bytes (the service's limit).
const LONGEST_SORT: usize = 1_024;

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Paging<'a> {
    limit: u32,
    after: Option<&'a str>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing<T> {
    /// What is on it. It may be fewer than were asked for, and none at all, where there is more to come.
    pub items: Vec<T>,
    /// Where to go on: an opaque text of up to 2,000 characters. None at the end of the list.
    pub next: Option<String>,
}

/// Why there is no such page.
#[derive(Debug, Error)]
pub enum ListError {
    /// The cursor is not one of this list.
    #[error("the cursor is not one of this list")]
    Cursor,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The place of an item in an index that is sorted by time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) at: Millis,
}

impl<'a> Paging<'a> {
    /// The page of up to `limit` after `after`, which is the `next` of the page before. A limit beyond 1 to 100 is brought within.
    #[must_use]
    pub fn new(limit: u32, after: Option<&'a str>) -> Self {
        Self { limit: limit.clamp(1, MOST), after }
    }

    pub(crate) const fn limit(self) -> u32 {
        self.limit
    }

    pub(crate) const fn after(self) -> Option<&'a str> {
        self.after
    }

    /// The position that the cursor tells; none for the first page.
    pub(crate) fn position<P: DeserializeOwned>(self) -> Result<Option<P>, ListError> {
        self.after.map(|after| cursor::read(after).ok_or(ListError::Cursor)).transpose()
    }

    /// The place in an index that the cursor tells; none for the first page. DynamoDB takes no key that is empty or too long.
    pub(crate) fn place(self) -> Result<Option<Place>, ListError> {
        let place: Option<Place> = self.position()?;
        let fits = |text: &str, longest| (1..=longest).contains(&text.len());
        match place {
            Some(Place { key, .. }) if !fits(&key.pk, LONGEST_PARTITION) || !fits(&key.sk, LONGEST_SORT) => {
                Err(ListError::Cursor)
            }
            place => Ok(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_of_one_to_a_hundred() {
        assert_eq!([0, 1, 50, 100, u32::MAX].map(|limit| Paging::new(limit, None).limit()), [1, 1, 50, 100, 100]);
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let place = |pk: &str, sk: &str| Place { key: Key::new(pk, sk), at: Millis(7) };
        let read = |cursor: &str| Paging::new(10, Some(cursor)).place();
        let cursor = cursor::write(&place("USER#u", "TASK#t")).unwrap();
        assert_eq!(read(&cursor).unwrap(), Some(place("USER#u", "TASK#t")));
        assert!(Paging::new(10, None).place().unwrap().is_none());
        for wrong in [place("", "TASK#t"), place("USER#u", ""), place("USER#u", &"x".repeat(1_025))] {
            assert!(matches!(read(&cursor::write(&wrong).unwrap()), Err(ListError::Cursor)), "{wrong:?}");
        }
        for wrong in ["", "x", "e30", &"a".repeat(3_000)] {
            assert!(matches!(read(wrong), Err(ListError::Cursor)), "{wrong}");
        }
    }
}
