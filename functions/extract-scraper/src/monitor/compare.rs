//! What has changed between two looks at a page, and by how much. Pure.

use scraping::export::Row;
use scraping::selectors::number;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What rounding may make of a share.
const ROUNDING: f64 = 1e-9;

/// A value that is another one than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// The row, from 1: among those of now, or of one that is gone among those before.
    pub(crate) row: usize,
    /// The field.
    pub(crate) field: String,
    /// What it was; null if it was not there.
    pub(crate) old: Json,
    /// What it is; null if it is not there any more.
    pub(crate) new: Json,
    /// By how much: of numbers the share of the old one, of all else 1.
    pub(crate) by: f64,
}

impl Difference {
    /// Whether it is one to tell of: 0 takes any.
    pub(crate) fn reaches(&self, threshold: f64) -> bool {
        self.by + ROUNDING >= threshold
    }
}

/// What differs between the rows of a page before and now, in these fields. Rows that are the same stay paired, whatever was added or taken away
/// between them; those that differ are paired in their order.
pub(crate) fn compare(fields: &[String], before: &[Row], now: &[Row]) -> Vec<Difference> {
    let texts = |rows: &[Row]| rows.iter().map(|row| text_of(fields, row)).collect::<Vec<_>>();
    let mut found = Differences { fields, all: Vec::new() };
    for change in capture_diff_slices(Algorithm::Myers, &texts(before), &texts(now)) {
        let (_, old, new) = change.as_tag_tuple();
        if matches!(change, DiffOp::Equal { .. }) {
            continue;
        }
        let paired = old.len().min(new.len());
        for (old, new) in old.clone().zip(new.clone()) {
            found.add(new, before.get(old), now.get(new));
        }
        old.skip(paired).for_each(|old| found.add(old, before.get(old), None));
        new.skip(paired).for_each(|new| found.add(new, None, now.get(new)));
    }
    found.all
}

struct Differences<'fields> {
    fields: &'fields [String],
    all: Vec<Difference>,
}

impl Differences<'_> {
    fn add(&mut self, index: usize, before: Option<&Row>, now: Option<&Row>) {
        for field in self.fields {
            let [old, new] = [before, now].map(|row| row.and_then(|row| row.get(field)).unwrap_or(&Json::Null));
            if old != new {
                let (field, old, new) = (field.clone(), old.clone(), new.clone());
                let by = size(&old, &new);
                self.all.push(Difference { row: index + 1, field, old, new, by });
            }
        }
    }
}

/// A row's fields as one text: the same for rows that do not differ.
fn text_of(fields: &[String], row: &Row) -> String {
    let values: Vec<_> = fields.iter().map(|field| row.get(field).unwrap_or(&Json::Null)).collect();
    serde_json::to_string(&values).unwrap_or_default()
}

/// By how much a value differs.
fn size(old: &Json, new: &Json) -> f64 {
    match (old, new) {
        (Json::Number(old), Json::Number(new)) => {
            old.as_f64().zip(new.as_f64()).map_or(1.0, |(old, new)| share(old, new))
        }
        (Json::String(old), Json::String(new)) => match (amount(old), amount(new)) {
            (Some((old, its_unit)), Some((new, unit))) if its_unit == unit => share(old, new),
            _ => 1.0,
        },
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).filter(|(old, new)| old != new).map(|(old, new)| size(old, new)).fold(0.0, f64::max)
        }
        _ => 1.0,
    }
}

/// The change of a number, as a share of the old one. From nothing it is 1, whatever comes of it.
fn share(old: f64, new: f64) -> f64 {
    if old == 0.0 {
        return if new == 0.0 { 0.0 } else { 1.0 };
    }
    ((new - old).abs() / old.abs()).min(f64::MAX)
}

/// The one number that a text holds, and what stands around it: a currency, a percent sign, words.
fn amount(text: &str) -> Option<(f64, String)> {
    let number = number(text)?;
    let (first, last) = (text.find(|c: char| c.is_ascii_digit())?, text.rfind(|c: char| c.is_ascii_digit())?);
    let around = [&text[..first], " ", &text[last + 1..]].concat();
    // Signs and brackets are the number's.
    Some((
        number,
        around.chars().filter(|c| !matches!(c, '-' | '−' | '+' | '(' | ')' | '.') && !c.is_whitespace()).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn row(value: Json) -> Row {
        Row::from_iter([("v".to_owned(), value)])
    }

    fn rows<T: Clone + Into<Json>>(values: &[T]) -> Vec<Row> {
        values.iter().map(|value| row(value.clone().into())).collect()
    }

    fn differences(before: &[Row], now: &[Row]) -> Vec<(usize, Json, Json)> {
        let found = compare(&["v".to_owned()], before, now);
        found.into_iter().map(|found| (found.row, found.old, found.new)).collect()
    }

    #[test]
    fn numbers_change_by_a_share_and_all_else_by_one() {
        for (old, new, by) in [
            (json!(100), json!(105), 0.05),
            (json!(100), json!(95), 0.05),
            (json!(-100), json!(-90), 0.1),
            (json!(100), json!(400), 3.0),
            (json!(100), json!(0), 1.0),
            (json!(0), json!(5), 1.0),
            (json!(0), json!(0.0), 0.0),
            (json!(1), json!(-1), 2.0),
            (json!("£100.00"), json!("£94.00"), 0.06),
            (json!("£1,000"), json!("£1,050"), 0.05),
            (json!("1.000,00 €"), json!("1.100,00 €"), 0.1),
            (json!("1 299,00 kr"), json!("1 169,10 kr"), 0.1),
            (json!("50%"), json!("55 %"), 0.1),
            (json!("-5 °C"), json!("-4 °C"), 0.2),
            (json!("(10)"), json!("9"), 1.9),
            (json!("CHF 20.-"), json!("CHF 25.-"), 0.25),
            (json!("In stock (20 available)"), json!("In stock (19 available)"), 0.05),
            (json!("10"), json!("10.0"), 0.0),
            (json!("$100"), json!("€100"), 1.0),
            (json!("100 units"), json!("100 boxes"), 1.0),
            (json!("In stock"), json!("Sold out"), 1.0),
            (json!("2 for 5"), json!("2 for 6"), 1.0),
            (json!("100"), json!("Sold out"), 1.0),
            (json!(100), json!("100"), 1.0),
            (json!(true), json!(false), 1.0),
            (json!(null), json!(5), 1.0),
            (json!("5"), json!(null), 1.0),
            (json!([100, 200]), json!([100, 210]), 0.05),
            (json!([100, "a"]), json!([110, "b"]), 1.0),
            (json!([1]), json!([1, 2]), 1.0),
            (json!(1e-300), json!(1e300), f64::MAX),
        ] {
            let found = size(&old, &new);
            assert!((found - by).abs() <= by * 1e-9, "{old} {new}: {found}");
        }
    }

    #[test]
    fn a_threshold_is_reached_by_as_much_and_by_more() {
        for (old, new, threshold, is_reached) in [
            (json!("100.00"), json!("104.99"), 0.05, false),
            (json!("100.00"), json!("105.00"), 0.05, true),
            // 0.11 / 2.2 is not quite 0.05 in binary.
            (json!("2.20"), json!("2.31"), 0.05, true),
            (json!("100"), json!("199"), 1.0, false),
            (json!("100"), json!("200"), 1.0, true),
            (json!("a"), json!("b"), 1.0, true),
            (json!("10"), json!("10.0"), 0.0, true),
            (json!("10"), json!("10.0"), 0.01, false),
        ] {
            let found = compare(&["v".to_owned()], &[row(old.clone())], &[row(new.clone())]);
            assert_eq!(found[0].reaches(threshold), is_reached, "{old} {new} {threshold}");
        }
    }

    #[test]
    fn rows_that_stay_are_paired_whatever_comes_and_goes_between_them() {
        let before = rows(&["a", "b", "c"]);
        assert_eq!(differences(&before, &before), []);
        assert_eq!(differences(&before, &rows(&["new", "a", "b", "c"])), [(1, Json::Null, json!("new"))]);
        assert_eq!(differences(&before, &rows(&["a", "c"])), [(2, json!("b"), Json::Null)]);
        assert_eq!(differences(&before, &rows(&["a", "x", "c"])), [(2, json!("b"), json!("x"))]);
        assert_eq!(differences(&[], &rows(&["a"])), [(1, Json::Null, json!("a"))]);
        assert_eq!(
            differences(&before, &[]),
            [(1, json!("a"), Json::Null), (2, json!("b"), Json::Null), (3, json!("c"), Json::Null)]
        );
        // A field that nobody asked for is none to compare.
        let other = vec![Row::from_iter([("_fetched_at".to_owned(), json!(2))])];
        assert_eq!(differences(&[Row::new()], &other), []);
    }

    proptest! {
        #[test]
        fn what_is_the_same_does_not_differ_and_what_differs_is_told(
            before in prop::collection::vec(0_u8..5, 0..20),
            now in prop::collection::vec(0_u8..5, 0..20),
        ) {
            let found = differences(&rows(&before), &rows(&now));
            prop_assert_eq!(found.is_empty(), before == now);
            // What came less what went is what the lists' sums differ by.
            let value = |json: &Json| json.as_i64().unwrap_or(0);
            let moved: i64 = found.iter().map(|(_, old, new)| value(new) - value(old)).sum();
            let sum = |list: &[u8]| list.iter().map(|number| i64::from(*number)).sum::<i64>();
            prop_assert_eq!(moved, sum(&now) - sum(&before));
        }

        #[test]
        fn any_two_texts_can_be_compared(old in ".{0,30}", new in ".{0,30}") {
            let by = size(&json!(old), &json!(new));
            prop_assert!(by.is_finite() && by >= 0.0);
        }
    }
}
