//! What a batch leaves for its task to be put together from: a file of lines, in the order of its pages.

use scraping::export::Row;
use serde::{Deserialize, Serialize};

/// A line: a row of a page; or why the page could not be had; or, with neither, that the page has no rows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// The page's place in the task, from 0.
    pub(crate) page: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<Row>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

impl Piece {
    pub(crate) const fn row(page: usize, row: Row) -> Self {
        Self { page, row: Some(row), failure: None }
    }

    pub(crate) const fn failure(page: usize, why: String) -> Self {
        Self { page, row: None, failure: Some(why) }
    }

    pub(crate) const fn nothing(page: usize) -> Self {
        Self { page, row: None, failure: None }
    }
}
