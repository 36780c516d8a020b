//! A page of records as it is shown: what is so, and what a test has go wrong with it.

use crate::plan::What;
use crate::records::Portal;
use crate::stand_in::number_at;

/// A page of records.
pub(crate) struct Sheet {
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// Which page it says it is, and of how many.
    pub(crate) page: u32,
    pub(crate) pages: u32,
    /// How many records it claims; none if it does not say.
    pub(crate) total: Option<String>,
    pub(crate) tables: u32,
    pub(crate) has_token: bool,
    pub(crate) has_more_tabs: bool,
}

/// Where the records of a page come from.
pub(crate) struct Source<'a> {
    pub(crate) portal: Portal,
    pub(crate) account: &'a str,
    pub(crate) listing: &'a str,
    /// How many there are, and how many are on a page.
    pub(crate) records: u64,
    /// Which of them stands first, if one does.
    pub(crate) first: Option<u64>,
    pub(crate) page_size: u64,
    /// How many records of the page are left out, from its first on: for who asks by record, not by page.
    pub(crate) skipped: u64,
}

impl Source<'_> {
    pub(crate) fn pages(&self) -> u32 {
        u32::try_from(self.records.div_ceil(self.page_size)).unwrap_or(u32::MAX).max(1)
    }

    /// The page of this number, with its troubles.
    pub(crate) fn sheet(&self, page: u32, troubles: &[What]) -> Sheet {
        let has = |what| troubles.contains(&what);
        let page = if has(What::FirstPage) { 1 } else { page };
        let shown = if has(What::Repeat) { page.saturating_sub(1).max(1) } else { page };
        let begin = u64::from(shown - 1) * self.page_size + self.skipped;
        let rows = (begin..self.records.min(begin + self.page_size))
            .map(|place| self.portal.record(self.account, self.listing, number_at(place, self.first)).shown)
            .collect();
        let total = if has(What::TotalMore) {
            self.records + 1
        } else if has(What::TotalLess) {
            self.records.saturating_sub(1)
        } else {
            self.records
        };
        let mut sheet = Sheet {
            headers: self.portal.headers().iter().map(|header| (*header).to_owned()).collect(),
            rows,
            page,
            pages: self.pages(),
            total: Some(crate::records::indian(total)),
            tables: 1,
            has_token: !has(What::NoToken),
            has_more_tabs: has(What::MoreTabs),
        };
        for what in troubles {
            sheet.trouble(*what, self.portal);
        }
        sheet
    }
}

impl Sheet {
    fn trouble(&mut self, what: What, portal: Portal) {
        let column = |name: &str| portal.headers().iter().position(|header| header.contains(name)).unwrap_or(0);
        match what {
            What::ColumnRenamed => "Something else".clone_into(&mut self.headers[2]),
            What::ColumnMissing => self.each(|row| drop(row.remove(2))),
            What::ColumnExtra => {
                self.each(|row| row.push("new".to_owned()));
                if let Some(header) = self.headers.last_mut() {
                    "Status".clone_into(header);
                }
            }
            What::ColumnsSwapped => self.each(|row| row.swap(1, 2)),
            What::ColumnTwice => self.headers[2] = self.headers[1].clone(),
            What::CellMissing => drop(self.rows.last_mut().and_then(Vec::pop)),
            What::BadDate => {
                let at = portal
                    .headers()
                    .iter()
                    .position(|header| header.contains("Date") || header.contains(" On") || header.contains("Valid"));
                self.put(at.unwrap_or(0), "31-02-2026");
            }
            What::BadNumber => self.put(column("("), "12 tonnes"),
            What::EmptyCell => self.put(2, ""),
            What::TotalWord => self.total = Some("many".to_owned()),
            What::TotalMissing => self.total = None,
            What::RowTwice => {
                if let Some(first) = self.rows.first().cloned() {
                    self.rows.pop();
                    self.rows.push(first);
                }
            }
            What::RowMissing => drop(self.rows.pop()),
            What::NoRows => {
                self.rows.clear();
                self.pages = self.pages.max(self.page + 1);
            }
            What::NoTable => self.tables = 0,
            What::TwoTables => self.tables = 2,
            _ => {}
        }
    }

    fn each(&mut self, mut change: impl FnMut(&mut Vec<String>)) {
        change(&mut self.headers);
        self.rows.iter_mut().for_each(change);
    }

    fn put(&mut self, column: usize, text: &str) {
        if let Some(cell) = self.rows.first_mut().and_then(|row| row.get_mut(column)) {
            text.clone_into(cell);
        }
    }
}
