//! What the types of a recipe cannot say: what must go together.

use std::collections::HashSet;
use std::hash::Hash;

use reqwest::header::HeaderName;

use super::{Column, ColumnType, Limits, Mistake, Paging, Recipe, Records};

/// The most that a recipe may allow itself.
const MOST: Limits = Limits { pages: 20_000, rows: 1_000_000, bytes: 4 << 30, sign_ins: 1_000, page_seconds: 120 };
/// The most columns, and the most listings.
const MOST_COLUMNS: usize = 100;
const MOST_LISTINGS: usize = 50;
/// The most records that are asked for at once in JSON.
const MOST_AT_ONCE: u32 = 5_000;

pub(super) fn check(recipe: &Recipe) -> Result<(), Mistake> {
    rule(recipe.version > 0, "version", "versions begin with 1")?;
    rule((1..=MOST_LISTINGS).contains(&recipe.listings.len()), "listings", "there must be 1 to 50")?;
    rule(unique(recipe.listings.iter().map(|listing| &listing.name)), "listings", "two have the same name")?;
    rule(recipe.listings.len() == 1 || recipe.overall.is_some(), "overall", "several listings must add up to it")?;
    rule(!recipe.file.formats.is_empty() && unique(&recipe.file.formats), "file.formats", "one of each, one at least")?;
    columns(recipe)?;
    records(&recipe.records)?;
    limits(&recipe.limits)
}

fn columns(recipe: &Recipe) -> Result<(), Mistake> {
    let columns = &recipe.columns;
    rule((1..=MOST_COLUMNS).contains(&columns.len()), "columns", "there must be 1 to 100")?;
    rule(unique(columns.iter().map(|column| &column.header)), "columns", "two have the same header")?;
    rule(unique(recipe.names()), "columns", "two have the same name")?;
    rule(columns.iter().any(|column| column.name.is_some()), "columns", "none is taken")?;
    rule(columns.iter().filter(|column| column.unique).count() <= 1, "columns", "one at most is unique")?;
    let is_json = matches!(recipe.records, Records::Json(_));
    for (at, column) in columns.iter().enumerate() {
        check_column(column, is_json)
            .map_err(|reason| Mistake { place: format!("columns[{at}]"), reason: reason.to_owned() })?;
    }
    let keys = columns.iter().filter_map(|column| column.key.as_ref());
    rule(unique(keys), "columns", "two have the same key")
}

fn check_column(column: &Column, is_json: bool) -> Result<(), &'static str> {
    let is_taken = column.column_type != ColumnType::Ignored;
    let rules = [
        (
            column.header.trim() == column.header && !column.header.is_empty(),
            "a header has words, with nothing around them",
        ),
        (column.name.is_some() == is_taken, "a column has a name, unless it is ignored"),
        (
            (column.column_type == ColumnType::Date) == column.format.is_some(),
            "a date has a format, and nothing else has",
        ),
        (is_json || column.key.is_none(), "only records in JSON have keys"),
        (!is_json || !is_taken || column.key.is_some(), "of records in JSON, a column has a key"),
        (!column.unique || is_taken && !column.optional, "what is unique is taken, and never empty"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, reason)| Err(reason))
}

fn records(records: &Records) -> Result<(), Mistake> {
    match records {
        Records::Table(table) => match &table.paging {
            Paging::Link => Ok(()),
            Paging::Form(form) => {
                let has_page = form.fields.values().any(|value| value.contains("{page}"));
                rule(has_page, "records.table.paging.form.fields", "none says which {page} is wanted")
            }
        },
        Records::Json(json) => {
            let has_place = json.query.values().any(|value| value.contains("{offset}") || value.contains("{page}"));
            rule(has_place, "records.json.query", "nothing says from which {offset} or {page} on")?;
            rule(json.page_size.get() <= MOST_AT_ONCE, "records.json.page_size", "at most 5000")?;
            let are_names = json.headers.keys().all(|name| name.parse::<HeaderName>().is_ok());
            rule(are_names, "records.json.headers", "one is not the name of a header")
        }
    }
}

fn limits(limits: &Limits) -> Result<(), Mistake> {
    let fits = (1..=MOST.pages).contains(&limits.pages)
        && (1..=MOST.rows).contains(&limits.rows)
        && (1..=MOST.bytes).contains(&limits.bytes)
        && (1..=MOST.sign_ins).contains(&limits.sign_ins)
        && (1..=MOST.page_seconds).contains(&limits.page_seconds);
    rule(fits, "limits", &format!("each must be 1 or more, and at most as in {MOST:?}"))
}

fn unique<T: Eq + Hash>(items: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    items.into_iter().all(|item| seen.insert(item))
}

fn rule(holds: bool, place: &str, reason: &str) -> Result<(), Mistake> {
    if holds { Ok(()) } else { Err(Mistake { place: place.to_owned(), reason: reason.to_owned() }) }
}
