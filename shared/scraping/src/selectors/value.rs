//! From an element to a value.

use scraper::ElementRef;
use serde_json::{Number, Value};
use url::Url;

use super::{MAX_VALUE_BYTES, ValueType};

/// What happened to a field's values on the way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Elements without the attribute that was to be read.
    pub(super) missing: usize,
    /// Texts that are not of the type that was asked for.
    pub(super) unread: usize,
    /// Values that were too long.
    pub(super) cut: usize,
}

/// Reads one element. Null stands for what is not there or cannot be read.
pub(super) fn read(
    element: ElementRef,
    attr: Option<&str>,
    value_type: ValueType,
    base: &Url,
    tally: &mut Tally,
) -> Value {
    let attribute = match attr {
        Some(attr) => element.attr(attr),
        None if value_type == ValueType::Url => element.attr("href").or_else(|| element.attr("src")),
        None => None,
    };
    if attr.is_some() && attribute.is_none() {
        tally.missing += 1;
        return Value::Null;
    }
    let (text, cut) = match (attribute, value_type) {
        (Some(text), ValueType::Html) => bounded(text.to_owned()),
        (Some(text), _) => collapse([text]),
        (None, ValueType::Html) => bounded(element.inner_html()),
        (None, _) => collapse(element.text()),
    };
    tally.cut += usize::from(cut);
    let value = match value_type {
        ValueType::String | ValueType::Html => Some(Value::String(text)),
        ValueType::Number => number(&text).and_then(Number::from_f64).map(Value::Number),
        ValueType::Integer => integer(&text).map(Value::from),
        ValueType::Boolean if attr.is_some() && text.is_empty() => Some(Value::Bool(true)),
        ValueType::Boolean => boolean(&text).map(Value::Bool),
        ValueType::Url if text.is_empty() => None,
        ValueType::Url => base.join(&text).ok().map(|url| Value::String(url.into())),
    };
    value.unwrap_or_else(|| {
        tally.unread += 1;
        Value::Null
    })
}

/// Roughly how much memory a value takes, in bytes.
pub(super) fn size(value: &Value) -> usize {
    const OVERHEAD: usize = 64;
    OVERHEAD + value.as_str().map_or(0, str::len)
}

/// The text of an element, its white space collapsed; cut where it is longer than a value may be.
#[must_use]
pub fn words(element: ElementRef) -> String {
    collapse(element.text()).0
}

/// Joins pieces of text, with one space for each run of white space and none at the ends; says whether it was cut.
fn collapse<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, bool) {
    let mut text = String::new();
    let mut gap = false;
    for c in pieces.into_iter().flat_map(str::chars) {
        if c.is_whitespace() {
            gap = !text.is_empty();
            continue;
        }
        if text.len() + usize::from(gap) + c.len_utf8() > MAX_VALUE_BYTES {
            return (text, true);
        }
        if gap {
            text.push(' ');
            gap = false;
        }
        text.push(c);
    }
    (text, false)
}

fn bounded(mut text: String) -> (String, bool) {
    let cut = text.len() > MAX_VALUE_BYTES;
    if cut {
        text.truncate(text.floor_char_boundary(MAX_VALUE_BYTES));
    }
    (text, cut)
}

/// Reads a number as people write it: `£1,234.50`, `1.234,50 €`, `1 234`, `(5)` for -5, `4.5 stars`. A text with several is none.
///
/// The last comma or point is the decimal mark; but it separates thousands where it stands more than once, or is a comma before
/// exactly three digits, as in `1,234`.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    plain(text)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads a whole number, as people write it.
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    let plain = plain(text)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
}

/// The one number in a text, with a point for its decimal mark and no separators.
fn plain(text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (before, body, after) = (&text[..start], &text[start..end], &text[end..]);
    let (before, leading_point) = match before.strip_suffix('.') {
        Some(rest) if !rest.ends_with(char::is_alphabetic) => (rest, "0."),
        _ => (before, ""),
    };
    let sign = if is_negative(before, after) { "-" } else { "" };
    let spaced: String =
        body.chars().map(|c| if c.is_whitespace() || matches!(c, '\'' | '’') { ' ' } else { c }).collect();
    let digits = scientific(&spaced).or_else(|| unseparated(&spaced))?;
    Some(format!("{sign}{leading_point}{digits}"))
}

/// Whether what stands around a number negates it: a minus, before or after a currency sign, or an accountant's brackets. A hyphen
/// after a letter is none.
fn is_negative(before: &str, after: &str) -> bool {
    let marks = before.trim_start_matches(|c: char| c.is_alphanumeric());
    let minus = marks.rfind(['-', '−']).filter(|at| !marks[*at..].contains(char::is_alphanumeric));
    let hyphen = before.len() > marks.len() && minus == Some(0);
    minus.is_some() && !hyphen || before.trim_end().ends_with('(') && after.trim_start().starts_with(')')
}

/// A number in scientific notation, as it is.
fn scientific(body: &str) -> Option<String> {
    let (mantissa, exponent) = body.split_once(['e', 'E'])?;
    let is_number = mantissa.bytes().all(|c| c.is_ascii_digit() || c == b'.') && exponent.parse::<i32>().is_ok();
    is_number.then(|| body.to_owned())
}

/// Digits with thousands separators and a decimal mark, to digits with a point.
fn unseparated(body: &str) -> Option<String> {
    let Some(last) = body.rfind(['.', ',']) else { return whole_number(body) };
    let (whole, fraction) = (&body[..last], &body[last + 1..]);
    let mark = if body[last..].starts_with('.') { '.' } else { ',' };
    let is_english = mark == ',' && fraction.len() == 3 && whole.len() <= 3 && whole != "0";
    if is_english || whole.contains(mark) {
        return join_groups(body, mark);
    }
    let fraction = fraction.bytes().all(|c| c.is_ascii_digit()).then_some(fraction)?;
    Some(format!("{}.{fraction}", whole_number(whole)?))
}

/// Digits, maybe with one kind of thousands separator.
fn whole_number(text: &str) -> Option<String> {
    match text.chars().find(|c| !c.is_ascii_digit()) {
        Some(separator) if matches!(separator, ' ' | '.' | ',') => join_groups(text, separator),
        Some(_) => None,
        None => Some(text.to_owned()),
    }
}

/// Joins groups of digits: the last has three, those before it three or (in India) two.
fn join_groups(text: &str, separator: char) -> Option<String> {
    let groups: Vec<_> = text.split(separator).collect();
    let (last, before) = groups.split_last()?;
    let fits = |group: &&str| (1..=3).contains(&group.len()) && group.bytes().all(|c| c.is_ascii_digit());
    let inner = before.iter().skip(1).all(|group| group.len() >= 2);
    (last.len() == 3 && inner && groups.iter().all(fits)).then(|| groups.concat())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" | "✓" | "✔" => Some(true),
        "false" | "no" | "n" | "off" | "0" | "✗" | "✘" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, expected) in [
            ("42", Some(42.0)),
            ("-42", Some(-42.0)),
            ("−42", Some(-42.0)),
            ("(42)", Some(-42.0)),
            ("3.25", Some(3.25)),
            (".5", Some(0.5)),
            ("-.5", Some(-0.5)),
            ("£1,234.50", Some(1_234.5)),
            ("-£1,234.50", Some(-1_234.5)),
            ("£-1,234.50", Some(-1_234.5)),
            ("$ 1,234,567", Some(1_234_567.0)),
            ("USD 19.99", Some(19.99)),
            ("19.99 USD", Some(19.99)),
            ("19,99 €", Some(19.99)),
            ("1.234,50 €", Some(1_234.5)),
            ("1.234.567", Some(1_234_567.0)),
            ("1.234", Some(1.234)),
            ("1,234", Some(1_234.0)),
            ("0,123", Some(0.123)),
            ("12,34,567.89", Some(1_234_567.89)),
            ("1 234,5", Some(1_234.5)),
            ("1\u{a0}234", Some(1_234.0)),
            ("1'234.50", Some(1_234.5)),
            ("CHF 1’234.–", Some(1_234.0)),
            ("Price: £12.00 incl. tax", Some(12.0)),
            ("4.5 stars", Some(4.5)),
            ("post-42", Some(42.0)),
            ("a - b: 42", Some(42.0)),
            ("down -3", Some(-3.0)),
            ("€ −3", Some(-3.0)),
            ("Rs. 500", Some(500.0)),
            ("kr.99", Some(99.0)),
            ("85 %", Some(85.0)),
            ("4.5/5", None),
            ("10-20", None),
            ("1e3", Some(1_000.0)),
            ("1.5E-3", Some(0.0015)),
            ("1e999", None),
            ("+7", Some(7.0)),
            ("1,2,3", None),
            ("1.2.3", None),
            ("1,234.5.6", None),
            ("10 20", None),
            ("12 of 345", None),
            ("2024-01-15", None),
            ("12:30", None),
            ("1 234 567 x 2", None),
            ("about 42", Some(42.0)),
            ("free", None),
            ("(none)", None),
            ("-", None),
            ("", None),
            ("٣", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn integers_are_whole_and_exact() {
        for (text, expected) in [
            ("42", Some(42)),
            ("1,234", Some(1_234)),
            ("1,234.00", Some(1_234)),
            ("12.5", None),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e3", None),
            ("x", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn booleans_are_words_for_yes_and_no() {
        for (text, expected) in [
            ("true", Some(true)),
            ("YES", Some(true)),
            ("off", Some(false)),
            ("0", Some(false)),
            ("maybe", None),
            ("", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_with_thousands_separators_is_read(cents in 0_u64..10_000_000_000_000) {
            let (whole, fraction) = (cents / 100, cents % 100);
            let digits = whole.to_string();
            let grouped: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
            let expected: f64 = format!("{whole}.{fraction:02}").parse().unwrap();
            prop_assert_eq!(number(&format!("£{}.{fraction:02}", grouped.join(","))), Some(expected));
            prop_assert_eq!(number(&format!("{},{fraction:02} €", grouped.join("."))), Some(expected));
            prop_assert_eq!(integer(&grouped.join(",")), Some(i64::try_from(whole).unwrap()));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", digits in "[-0-9.,eE ()']*") {
            for text in [&text, &digits] {
                let _ = number(text);
                let _ = integer(text);
            }
        }

        #[test]
        fn collapsing_leaves_single_spaces(pieces in proptest::collection::vec("[ab\\s\u{a0}]*", 0..5)) {
            let (text, cut) = collapse(pieces.iter().map(String::as_str));
            prop_assert_eq!(text, pieces.concat().split_whitespace().collect::<Vec<_>>().join(" "));
            prop_assert!(!cut);
        }
    }
}
