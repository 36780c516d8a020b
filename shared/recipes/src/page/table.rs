//! A table of HTML: its header against the recipe's columns, its rows to values.

use std::collections::HashMap;

use scraper::{ElementRef, Html};
use scraping::selectors::words;
use serde_json::Value;

use super::{MOST_ROWS, cells};
use crate::error::{Change, Fault};
use crate::recipe::{Column, Css, Table};

/// The most cells of a row that are looked at.
const MOST_CELLS: usize = 500;

/// The rows of the page's one table, each with the values of the columns that are taken, in the recipe's order.
pub(super) fn rows(page: &Html, table: &Table, columns: &[Column]) -> Result<Vec<Vec<Value>>, Fault> {
    if table.empty.as_ref().is_some_and(|empty| empty.first(page).is_some()) {
        return Ok(Vec::new());
    }
    let (header, records) = parts(one(page, &table.table)?, table.ignore.as_ref());
    let places = places(&header.ok_or_else(|| no_header(&table.table))?, columns)?;
    if records.len() > MOST_ROWS {
        return Err(Fault::TooMuch { what: "rows on one page", most: MOST_ROWS as u64 });
    }
    records.into_iter().enumerate().map(|(at, record)| row(record, at + 1, &places, columns)).collect()
}

/// Whether the header of the page's table has the recipe's columns; for a table whose records come from elsewhere.
pub(super) fn check_header(page: &Html, table: &Css, columns: &[Column]) -> Result<(), Change> {
    let (header, _) = parts(one(page, table)?, None);
    places(&header.ok_or_else(|| no_header(table))?, columns).map(drop)
}

fn no_header(table: &Css) -> Change {
    Change::Missing { what: "header of the table", selector: table.to_string() }
}

fn one<'a>(page: &'a Html, table: &'a Css) -> Result<ElementRef<'a>, Change> {
    let mut tables = table.all(page);
    let first = tables.next().ok_or_else(|| Change::Missing { what: "table", selector: table.to_string() })?;
    match tables.next() {
        Some(_) => Err(Change::Several { what: "table", selector: table.to_string() }),
        None => Ok(first),
    }
}

/// The header's texts and the rows after it, a footer's left out. What is in a table within the table is none of its own.
fn parts<'a>(table: ElementRef<'a>, ignore: Option<&Css>) -> (Option<Vec<String>>, Vec<ElementRef<'a>>) {
    let named = |name: &'static str| move |element: &ElementRef| element.value().name() == name;
    let sections = table.child_elements().filter(|section| matches!(section.value().name(), "thead" | "tbody"));
    let rows = sections.flat_map(|section| section.child_elements().filter(named("tr")).map(move |row| (section, row)));
    let rows = rows.filter(|(_, row)| !ignore.is_some_and(|ignore| ignore.matches(*row)));
    let (mut header, mut records) = (None, Vec::new());
    for (section, row) in rows {
        let is_header = section.value().name() == "thead"
            || header.is_none() && cells_of(row).all(|cell| cell.value().name() == "th");
        if is_header {
            // Of several rows the last has the columns' own headers; those before it group them.
            header = Some(cells_of(row).map(words).collect());
        } else {
            records.push(row);
            if records.len() > MOST_ROWS {
                break;
            }
        }
    }
    (header, records)
}

fn cells_of(row: ElementRef) -> impl Iterator<Item = ElementRef> {
    row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th")).take(MOST_CELLS)
}

/// Where each of the recipe's columns stands in the table. All of its columns must be the recipe's, in whatever order.
fn places(header: &[String], columns: &[Column]) -> Result<Vec<usize>, Change> {
    let mut found = HashMap::new();
    for (at, text) in header.iter().enumerate() {
        if found.insert(text.as_str(), at).is_some() {
            return Err(Change::SameHeader(text.clone()));
        }
    }
    let places: Vec<_> = columns.iter().map(|column| found.remove(column.header.as_str())).collect();
    let missing = columns.iter().zip(&places).filter(|(_, place)| place.is_none());
    let missing: Vec<_> = missing.map(|(column, _)| column.header.clone()).collect();
    let unknown: Vec<_> = header.iter().filter(|text| found.contains_key(text.as_str())).cloned().collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(places.into_iter().flatten().collect());
    }
    Err(Change::Columns { missing, unknown })
}

fn row(record: ElementRef, row: usize, places: &[usize], columns: &[Column]) -> Result<Vec<Value>, Fault> {
    let cells: Vec<_> = cells_of(record).collect();
    let spans = cells.iter().any(|cell| cell.attr("colspan").is_some() || cell.attr("rowspan").is_some());
    if cells.len() != places.len() || spans {
        return Err(Change::Cells { row, cells: cells.len(), columns: places.len() }.into());
    }
    let taken = columns.iter().zip(places).filter(|(column, _)| column.name.is_some());
    taken.map(|(column, place)| cells::read(column, row, &words(cells[*place]))).collect()
}
