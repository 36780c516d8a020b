//! What no two records have the same of. Pure.

use std::collections::HashSet;

use ring::digest::{SHA256, digest as sha256};
use scraping::export::Row;

use crate::error::Fault;
use crate::recipe::Recipe;

/// What is unique of the records that were seen: a digest of what each has in the recipe's unique column. That is sixteen bytes for a record, of which
/// there are never more than the recipe allows.
#[derive(Debug)]
pub struct Unique {
    column: Option<String>,
    seen: HashSet<u128>,
}

impl Unique {
    /// Of no records yet.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Self {
        Self { column: recipe.unique().map(str::to_owned), seen: HashSet::new() }
    }

    /// Notes a record that comes from where it was kept; a fault if another was there that has the same. Where the recipe has no unique column there is none.
    pub fn note(&mut self, row: &Row) -> Result<(), Fault> {
        let Some(column) = &self.column else { return Ok(()) };
        if self.seen.insert(key(row, column)) {
            return Ok(());
        }
        Err(Fault::Twice { column: column.clone(), text: text(row, column) })
    }

    /// Notes the records of a page: all, or none where there is a fault.
    pub(crate) fn note_page(&mut self, rows: &[Row]) -> Result<(), Fault> {
        let Some(column) = &self.column else { return Ok(()) };
        let mut new = HashSet::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let key = key(row, column);
            if self.seen.contains(&key) || !new.insert(key) {
                return Err(Fault::Duplicate { row: at + 1, column: column.clone(), text: text(row, column) });
            }
        }
        self.seen.extend(new);
        Ok(())
    }
}

fn key(row: &Row, column: &str) -> u128 {
    digest(&row.get(column).map(ToString::to_string).unwrap_or_default())
}

fn text(row: &Row, column: &str) -> String {
    row.get(column).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
}

/// What a text is known by: the first half of its SHA-256.
pub(crate) fn digest(text: &str) -> u128 {
    let digest = sha256(&SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Recipes;

    fn row(invoice: &str) -> Row {
        Row::from_iter([("invoice_no".to_owned(), json!(invoice)), ("state".to_owned(), json!("Gujarat"))])
    }

    #[test]
    fn a_record_that_comes_again_is_told() {
        let mut unique = Unique::of(&Recipes::load().unwrap().of("pwmr").unwrap());
        assert!(unique.note(&row("1")).is_ok() && unique.note(&row("2")).is_ok());
        let fault = unique.note(&row("1")).unwrap_err();
        assert_eq!(fault.to_string(), "'invoice_no' is '1' of two records: they changed while they were read");
    }

    #[test]
    fn of_a_page_with_a_fault_nothing_is_noted() {
        let mut unique = Unique::of(&Recipes::load().unwrap().of("pwmr").unwrap());
        unique.note_page(&[row("1"), row("2")]).unwrap();
        for (rows, expected) in [
            ([row("3"), row("2")], "row 2: 'invoice_no' is '2', as it was of an earlier record"),
            ([row("3"), row("3")], "row 2: 'invoice_no' is '3', as it was of an earlier record"),
        ] {
            assert_eq!(unique.note_page(&rows).unwrap_err().to_string(), expected);
        }
        unique.note_page(&[row("3"), row("4")]).unwrap();
    }
}
