//! From a cell's text to a value of its column's type. Strict: what is not quite of the type is a fault, and never another number.

use jiff::civil::Date;
use scraping::selectors::{MAX_VALUE_BYTES, integer, number};
use serde_json::{Number, Value};

use crate::error::Fault;
use crate::recipe::{Column, ColumnType};

/// How many digits every number of a floating type keeps.
const EXACT_DIGITS: usize = 15;

/// Reads a cell; an empty one is null, where it may be empty.
pub(super) fn read(column: &Column, row: usize, text: &str) -> Result<Value, Fault> {
    let fault = |expected: String| Fault::Value { row, column: column.header.clone(), expected, text: text.to_owned() };
    if text.is_empty() {
        return if column.optional { Ok(Value::Null) } else { Err(fault("there".to_owned())) };
    }
    let value = match column.column_type {
        // What is as long as a value may be was cut.
        ColumnType::Text => (text.len() < MAX_VALUE_BYTES).then(|| text.into()),
        ColumnType::Integer => whole_number(text).map(Value::from),
        ColumnType::Decimal => decimal(text).map(Value::Number),
        ColumnType::Date => {
            column.format.as_ref().and_then(|format| format.read(text)).map(|date| written(date).into())
        }
        ColumnType::Ignored => Some(Value::Null),
    };
    value.ok_or_else(|| fault(expected(column)))
}

fn expected(column: &Column) -> String {
    match (column.column_type, &column.format) {
        (ColumnType::Integer, _) => "a whole number".to_owned(),
        (ColumnType::Decimal, _) => format!("a number of at most {EXACT_DIGITS} digits"),
        (ColumnType::Date, Some(format)) => format!("a date as {format}"),
        _ => format!("shorter than {MAX_VALUE_BYTES} bytes"),
    }
}

fn written(date: Date) -> String {
    date.to_string()
}

/// A whole number and nothing else: no unit, no sign of a currency.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    is_bare(text).then(|| integer(text))?
}

fn decimal(text: &str) -> Option<Number> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if !is_bare(text) || digits > EXACT_DIGITS {
        return None;
    }
    // A whole one is one in every form of file.
    whole_number(text).map(Number::from).or_else(|| Number::from_f64(number(text)?))
}

fn is_bare(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '-' | '−' | '+' | ' ' | '\u{a0}'))
}
