//! What goes wrong, as a test wishes.

use serde::{Deserialize, Serialize};

/// What goes wrong for an account.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Plan {
    /// After how many requests its sessions end.
    pub session_requests: Option<u32>,
    /// What goes wrong with single pages.
    pub troubles: Vec<Trouble>,
}

/// What goes wrong with a page.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Trouble {
    /// What.
    pub what: What,
    /// With which page of records; if it is not said, with each. Page 0 is what the form to sign in is posted to.
    #[serde(default)]
    pub page: Option<u32>,
    /// How often; if it is not said, always.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The session ends, and the login form is shown instead.
    LoginForm,
    /// The session ends as the page is answered: what comes next is refused.
    SessionEnds,
    /// This status.
    Status(u16),
    /// The connection breaks in the middle of the page.
    Cut,
    /// So many milliseconds pass before the page comes.
    Slow(u64),
    /// The record of this number is edited before the page is answered, and comes first from then on.
    Moves(u64),
    /// It leads to another site.
    Elsewhere,
    /// It leads to itself.
    Circle,
    /// The third column has another name.
    ColumnRenamed,
    /// The third column is not there.
    ColumnMissing,
    /// There is one more column.
    ColumnExtra,
    /// Two columns have changed their places.
    ColumnsSwapped,
    /// Two columns have the same name.
    ColumnTwice,
    /// The last row lacks a cell.
    CellMissing,
    /// The first row's date is none.
    BadDate,
    /// The first row's number has a unit.
    BadNumber,
    /// The third cell of the first row is empty.
    EmptyCell,
    /// It claims one record more than there are.
    TotalMore,
    /// It claims one record fewer than there are.
    TotalLess,
    /// What it claims is no number.
    TotalWord,
    /// It does not say how many there are.
    TotalMissing,
    /// It shows the rows of the page before, under its own number.
    Repeat,
    /// It shows the first page.
    FirstPage,
    /// Its last row is its first again.
    RowTwice,
    /// Its last row is missing.
    RowMissing,
    /// It has no rows, and says that more pages follow.
    NoRows,
    /// There is no table.
    NoTable,
    /// There are two tables.
    TwoTables,
    /// The token that is to be sent back is missing.
    NoToken,
    /// There is one more tab.
    MoreTabs,
    /// It is a page of words.
    Words,
    /// It is bytes that are no text in its encoding.
    Garbage,
    /// It is larger than any page should be.
    Huge,
    /// Its elements are nested ten thousand times.
    Deep,
}

impl Plan {
    /// This goes wrong with a page, so often.
    #[must_use]
    pub fn with(mut self, what: What, page: u32, times: u32) -> Self {
        self.troubles.push(Trouble { what, page: Some(page), times: Some(times) });
        self
    }

    /// This goes wrong with a page, always.
    #[must_use]
    pub fn always(mut self, what: What, page: u32) -> Self {
        self.troubles.push(Trouble { what, page: Some(page), times: None });
        self
    }

    /// This goes wrong with each page.
    #[must_use]
    pub fn everywhere(mut self, what: What) -> Self {
        self.troubles.push(Trouble { what, page: None, times: None });
        self
    }

    /// Sessions end after so many requests.
    #[must_use]
    pub fn sessions_of(mut self, requests: u32) -> Self {
        self.session_requests = Some(requests);
        self
    }

    /// What goes wrong with this page now; it counts as having gone wrong.
    pub(crate) fn meet(&mut self, page: u32) -> Vec<What> {
        let met = self.troubles.iter_mut().filter(|trouble| {
            trouble.page.map_or(page > 0, |planned| planned == page) && trouble.times.is_none_or(|times| times > 0)
        });
        met.map(|trouble| {
            trouble.times = trouble.times.map(|times| times - 1);
            trouble.what
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_comes_where_and_as_often_as_it_is_planned() {
        let mut plan = Plan::default().with(What::Cut, 2, 2).always(What::NoTable, 3).everywhere(What::TotalMore);
        let met: Vec<_> = [0, 1, 2, 3, 2, 2, 3].into_iter().map(|page| plan.meet(page)).collect();
        assert_eq!(
            met,
            [
                vec![],
                vec![What::TotalMore],
                vec![What::Cut, What::TotalMore],
                vec![What::NoTable, What::TotalMore],
                vec![What::Cut, What::TotalMore],
                vec![What::TotalMore],
                vec![What::NoTable, What::TotalMore],
            ]
        );
    }
}
