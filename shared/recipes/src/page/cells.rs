//! From a cell's text to a value of its column's type. Strict: what is not quite of the type is a fault, and never another number.

use jiff::civil::Date;
use scraping::export::LONGEST_TEXT;
use scraping::selectors::MAX_VALUE_BYTES;
use serde_json::{Number, Value};

use crate::error::Fault;
use crate::recipe::{Column, ColumnType};

/// How many digits every number of a floating type keeps.
const EXACT_DIGITS: usize = 15;
/// The most bytes of a text: one that is nearly as long as a page's value may be was cut, it may be, before a last character.
const MOST_BYTES: usize = MAX_VALUE_BYTES - 8;

/// Reads a cell; an empty one is null, where it may be empty.
pub(super) fn read(column: &Column, row: usize, text: &str) -> Result<Value, Fault> {
    if text.is_empty() {
        return if column.optional { Ok(Value::Null) } else { Err(unlike(column, row, "there", text)) };
    }
    let value = match column.column_type {
        // In a workbook longer ones are cut, which would not be all that there is.
        ColumnType::Text => fits(text).then(|| text.into()),
        ColumnType::Integer => whole_number(text).map(Value::from),
        ColumnType::Decimal => decimal(text).map(Value::Number),
        ColumnType::Date => {
            column.format.as_ref().and_then(|format| format.read(text)).map(|date| written(date).into())
        }
        ColumnType::Ignored => Some(Value::Null),
    };
    value.ok_or_else(|| misfit(column, row, text))
}

/// The fault of what is not of its column's type.
pub(super) fn misfit(column: &Column, row: usize, text: &str) -> Fault {
    unlike(column, row, &expected(column), text)
}

fn unlike(column: &Column, row: usize, expected: &str, text: &str) -> Fault {
    Fault::Value { row, column: column.header.clone(), expected: expected.to_owned(), text: text.to_owned() }
}

fn expected(column: &Column) -> String {
    match (column.column_type, &column.format) {
        (ColumnType::Integer, _) => "a whole number".to_owned(),
        (ColumnType::Decimal, _) => format!("a number of at most {EXACT_DIGITS} digits"),
        (ColumnType::Date, Some(format)) => format!("a date as {format}"),
        _ => format!("a text of at most {LONGEST_TEXT} characters and {MOST_BYTES} bytes"),
    }
}

fn written(date: Date) -> String {
    date.to_string()
}

fn fits(text: &str) -> bool {
    text.len() <= MOST_BYTES && text.encode_utf16().count() <= LONGEST_TEXT
}

/// A whole number and nothing else: no unit, no sign of a currency, no fraction but noughts; and not three of these, which may be thousands.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    match plain(text)? {
        (whole, None) => whole.parse().ok(),
        (whole, Some(fraction)) if is_nought(fraction) && fraction.len() != 3 => whole.parse().ok(),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<Number> {
    let (whole, fraction) = plain(text)?;
    let fraction = fraction.unwrap_or_default();
    if whole.trim_start_matches('-').len() + fraction.len() > EXACT_DIGITS {
        return None;
    }
    // A whole one is one in every form of file.
    if is_nought(fraction) {
        return whole.parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(format!("{whole}.{fraction}").parse().ok()?)
}

/// The digits of a number before its point, with a minus, if it has one, and without separators; and those after the point, if there is one. Before the
/// point commas may stand: between groups of three, or, as in India, of two and at last three. Anything else is no number: a comma elsewhere may be a
/// decimal mark, and which it is nobody has said.
fn plain(text: &str) -> Option<(String, Option<&str>)> {
    let (sign, number) = match text.strip_prefix(['-', '−']) {
        Some(number) => ("-", number),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let groups: Vec<&str> = whole.split(',').collect();
    let are_digits = groups.iter().copied().chain(fraction).all(is_digits);
    (are_digits && are_groups(&groups)).then(|| (format!("{sign}{}", groups.concat()), fraction))
}

fn are_groups(groups: &[&str]) -> bool {
    let [first, inner @ .., last] = groups else { return true };
    let of = |length: usize| first.len() <= length && inner.iter().all(|group| group.len() == length);
    last.len() == 3 && !first.starts_with('0') && (of(3) || of(2))
}

fn is_nought(fraction: &str) -> bool {
    fraction.bytes().all(|digit| digit == b'0')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_with_commas_where_they_belong() {
        for (text, whole, number) in [
            ("0", Some(0), Some(0.0)),
            ("007", Some(7), Some(7.0)),
            ("-5", Some(-5), Some(-5.0)),
            ("−5", Some(-5), Some(-5.0)),
            ("+5", Some(5), Some(5.0)),
            ("100", Some(100), Some(100.0)),
            ("1,000", Some(1_000), Some(1_000.0)),
            ("1,234,567", Some(1_234_567), Some(1_234_567.0)),
            ("12,34,567", Some(1_234_567), Some(1_234_567.0)),
            ("1,23,45,678.25", None, Some(12_345_678.25)),
            ("1234.5", None, Some(1_234.5)),
            ("-0.5", None, Some(-0.5)),
            ("12.00", Some(12), Some(12.0)),
            ("1.000", None, Some(1.0)),
            ("999999999999999", Some(999_999_999_999_999), Some(999_999_999_999_999.0)),
            ("9223372036854775807", Some(i64::MAX), None),
            ("9223372036854775808", None, None),
            ("1.2345678901234567", None, None),
        ] {
            assert_eq!(whole_number(text), whole, "{text}");
            assert_eq!(decimal(text).and_then(|number| number.as_f64()), number, "{text}");
        }
    }

    #[test]
    fn whatever_else_it_may_mean_is_no_number() {
        for text in [
            "",
            "-",
            "+",
            ".",
            ",",
            "100-",
            ",5",
            ".5",
            "5.",
            "5,",
            "12,34",
            "1,2345",
            "12,345,67",
            "1,23,456,789",
            "1234,567",
            "0,123",
            "1,,000",
            "1.234.567",
            "1.234,5",
            "1,000.5.5",
            "1,000.5,5",
            "1 000",
            "1\u{a0}000",
            "- 5",
            "--5",
            "+-5",
            "1e3",
            "(5)",
            "5 kg",
            "Rs 5",
            "٥",
            "0x1f",
            "NaN",
        ] {
            assert_eq!((whole_number(text), decimal(text)), (None, None), "{text}");
        }
    }
}
