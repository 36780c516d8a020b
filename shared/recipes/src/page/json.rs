//! Records in JSON, and what the page behind which they are says about how to ask for them.

use reqwest::header::{HeaderName, HeaderValue};
use scraper::Html;
use serde_json::{Map, Value};

use super::{MOST_ROWS, Next, Page, cells, count};
use crate::error::{Change, Fault};
use crate::recipe::{Column, ColumnType, Json, Recipe};

/// The headers that records are asked for with, by the page that shows them.
pub(super) fn headers(page: &Html, json: &Json) -> Result<Vec<(HeaderName, HeaderValue)>, Change> {
    let headers = json.headers.iter().map(|(name, spot)| {
        let missing = || Change::Missing { what: "token for the records", selector: spot.to_string() };
        let value = spot.read(page).and_then(|text| HeaderValue::try_from(text).ok());
        let (name, mut value) = HeaderName::try_from(name).ok().zip(value).ok_or_else(missing)?;
        value.set_sensitive(true);
        Ok((name, value))
    });
    headers.collect()
}

/// The records of one answer, of which `before` come before.
pub(super) fn page(recipe: &Recipe, listing: &str, json: &Json, before: u64, mut answer: Value) -> Result<Page, Fault> {
    let missing = |what, pointer: &_| Change::Missing { what, selector: format!("{pointer}") };
    let total = json.total.take_from(&mut answer).ok_or_else(|| missing("total", &json.total))?;
    let total = count("total", text(&total))?;
    let Some(Value::Array(records)) = json.rows.take_from(&mut answer) else {
        return Err(missing("list of records", &json.rows).into());
    };
    if records.len() > MOST_ROWS {
        return Err(Fault::TooMuch { what: "rows on one page", most: MOST_ROWS as u64 });
    }
    let follows = before + (records.len() as u64) < total;
    let rows = records.into_iter().enumerate().map(|(at, record)| {
        let Value::Object(record) = record else {
            return Err(Change::Missing { what: "record in a row", selector: format!("{}/{at}", json.rows) }.into());
        };
        Ok(recipe.row(listing, row(&record, at + 1, &recipe.columns)?))
    });
    let rows = rows.collect::<Result<_, Fault>>()?;
    Ok(Page { rows, total, overall: None, current: None, next: follows.then_some(Next::Records) })
}

/// The values of the columns that are taken. All fields must be the recipe's.
fn row(record: &Map<String, Value>, row: usize, columns: &[Column]) -> Result<Vec<Value>, Fault> {
    let keys = || columns.iter().filter_map(|column| column.key.as_ref().map(|key| (column, key)));
    let missing: Vec<_> = keys().filter(|(_, key)| !record.contains_key(*key)).map(|(_, key)| key.clone()).collect();
    let is_known = |field: &String| keys().any(|(_, key)| key == field);
    let unknown: Vec<_> = record.keys().filter(|field| !is_known(field)).cloned().collect();
    if !missing.is_empty() || !unknown.is_empty() {
        return Err(Change::Columns { missing, unknown }.into());
    }
    let taken = keys().filter(|(column, _)| column.name.is_some());
    taken.map(|(column, key)| value(column, row, &record[key])).collect()
}

/// A field as a value of its column's type. Where a text should be, ids may be whole numbers; what else is none would be told in words of JSON's.
fn value(column: &Column, row: usize, value: &Value) -> Result<Value, Fault> {
    let is_text = match value {
        Value::Null | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    };
    if column.column_type == ColumnType::Text && !is_text {
        return Err(cells::misfit(column, row, &value.to_string()));
    }
    cells::read(column, row, &text(value))
}

/// A value as a cell would show it: white space collapsed.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}
