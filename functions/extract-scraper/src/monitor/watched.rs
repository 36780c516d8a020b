//! What a monitor knows of its pages: the values of each as they were last had, and what has changed so far. Pure.

use std::collections::VecDeque;

use scraping::export::Row;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use table::Millis;

use super::compare::{Difference, compare};

/// How many changes are kept; the oldest go first.
const MOST_CHANGES: usize = 1_000;
/// The longest value that is kept of a change, in bytes as JSON; of a longer one it is the beginning, as text.
const LONGEST_VALUE: usize = 1_000;
/// The most rows of one page: each is compared with those before.
const MOST_ROWS: usize = 1_000;
/// The most bytes of one page's rows, as JSON.
const MOST_BYTES: usize = 256 * 1024;

/// What came of a look at a page: its rows, or why there are none.
pub(crate) type Seen = Result<Vec<Row>, String>;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// The rows of each page, in their order; none of one that could not be had yet.
    pub(crate) pages: Vec<Option<Vec<Row>>>,
    /// What has changed, the oldest first.
    pub(crate) changes: VecDeque<Change>,
}

/// A change that a check has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The number of the check, from 1.
    pub(crate) check: u64,
    /// When it was.
    pub(crate) checked_at: Millis,
    /// The page.
    pub(crate) url: String,
    /// What differs.
    #[serde(flatten)]
    pub(crate) difference: Difference,
    /// Whether it is as large as its owner wants to be told of.
    pub(crate) reported: bool,
}

/// What is asked of a check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// The pages' addresses, in their order.
    pub(crate) urls: &'a [String],
    /// What is compared.
    pub(crate) fields: &'a [String],
    /// From which change on it is told.
    pub(crate) threshold: f64,
    /// The number of the check.
    pub(crate) check: u64,
    /// When it is.
    pub(crate) checked_at: Millis,
}

impl Watched {
    /// Takes in what a check has seen; gives all that has changed. A page that could not be had is as it was; one that is had for the first time
    /// has not changed.
    pub(crate) fn look(&mut self, terms: Terms<'_>, seen: Vec<Seen>) -> Vec<Change> {
        self.pages.resize(terms.urls.len(), None);
        let mut found = Vec::new();
        for ((known, url), seen) in self.pages.iter_mut().zip(terms.urls).zip(seen) {
            let Ok(now) = seen else { continue };
            let before = known.replace(now);
            let (Some(before), Some(now)) = (before, known.as_ref()) else { continue };
            let differences = compare(terms.fields, &before, now).into_iter();
            found.extend(differences.map(|difference| terms.change(url, difference)));
        }
        let kept = found.iter().skip(found.len().saturating_sub(MOST_CHANGES)).cloned();
        self.changes.extend(kept);
        self.changes.drain(..self.changes.len().saturating_sub(MOST_CHANGES));
        found
    }

    /// All rows, page by page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.pages.iter().flatten().flatten()
    }
}

impl Terms<'_> {
    fn change(&self, url: &str, mut difference: Difference) -> Change {
        let reported = difference.reaches(self.threshold);
        difference.old = shortened(difference.old);
        difference.new = shortened(difference.new);
        Change { check: self.check, checked_at: self.checked_at, url: url.to_owned(), difference, reported }
    }
}

impl Change {
    /// The columns of [`Self::row`].
    pub(crate) const COLUMNS: [&'static str; 8] =
        ["checked_at", "url", "row", "field", "old", "new", "change", "reported"];

    /// The change as a row of a file.
    pub(crate) fn row(&self) -> Row {
        let Difference { row, field, old, new, by } = &self.difference;
        let values = [
            json!(self.checked_at.to_string()),
            json!(self.url),
            json!(row),
            json!(field),
            old.clone(),
            new.clone(),
            json!(by),
            json!(self.reported),
        ];
        Self::COLUMNS.into_iter().map(str::to_owned).zip(values).collect()
    }
}

/// The rows of a page as they are watched; or why there are too many.
pub(crate) fn bounded(rows: Vec<Row>) -> Seen {
    let bytes: usize = rows.iter().map(|row| json!(row).to_string().len()).sum();
    if rows.len() > MOST_ROWS || bytes > MOST_BYTES {
        return Err(format!("it has more than {MOST_ROWS} rows or {} KiB to watch: select less", MOST_BYTES / 1_024));
    }
    Ok(rows)
}

fn shortened(value: Json) -> Json {
    let text = match &value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.len() <= LONGEST_VALUE {
        return value;
    }
    json!(format!("{}…", &text[..text.floor_char_boundary(LONGEST_VALUE)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms<'a>(urls: &'a [String], fields: &'a [String], check: u64) -> Terms<'a> {
        Terms { urls, fields, threshold: 0.05, check, checked_at: Millis(1_705_314_600_000) }
    }

    fn page(price: &str) -> Vec<Row> {
        vec![Row::from_iter([("price".to_owned(), json!(price))])]
    }

    #[test]
    fn values_are_compared_with_the_last_that_were_had() {
        let (urls, fields) = (["https://a.example/".to_owned(), "https://b.example/".to_owned()], ["price".to_owned()]);
        let mut watched = Watched::default();
        let mut look = |check, seen: [Seen; 2]| {
            let found = watched.look(terms(&urls, &fields, check), Vec::from(seen));
            let told = found.into_iter().map(|change| (change.url, change.difference.new, change.reported));
            (told.collect::<Vec<_>>(), watched.clone())
        };
        let gone = || Err("it answered with status 500".to_owned());
        assert_eq!(look(1, [Ok(page("100")), gone()]).0, []);
        assert_eq!(look(2, [Ok(page("104")), Ok(page("7"))]).0, [(urls[0].clone(), json!("104"), false)]);
        assert_eq!(look(3, [gone(), Ok(page("8"))]).0, [(urls[1].clone(), json!("8"), true)]);
        let (told, watched) = look(4, [Ok(page("110")), gone()]);
        assert_eq!(told, [(urls[0].clone(), json!("110"), true)], "of what it was before it was gone");
        assert_eq!(watched.rows().map(|row| row["price"].clone()).collect::<Vec<_>>(), ["110", "8"]);
        assert_eq!(watched.changes.iter().map(|change| change.check).collect::<Vec<_>>(), [2, 3, 4]);
        let again: Watched = serde_json::from_value(json!(watched)).unwrap();
        assert_eq!(again, watched);
    }

    #[test]
    fn the_history_and_its_values_are_bounded() {
        let (urls, fields) = (["https://a.example/".to_owned()], ["price".to_owned()]);
        let mut watched = Watched::default();
        for check in 0..1_100 {
            watched.look(terms(&urls, &fields, check), vec![Ok(page(&"€".repeat(usize::try_from(check).unwrap())))]);
        }
        assert_eq!((watched.changes.len(), watched.changes[0].check), (MOST_CHANGES, 100));
        let longest = watched.changes.iter().map(|change| json!(change).to_string().len()).max().unwrap();
        assert!(longest < 2 * LONGEST_VALUE + 300, "{longest}");
        assert_eq!(watched.rows().count(), 1);

        let rows = |count| (0..count).map(|_| Row::from_iter([("v".to_owned(), json!("x"))])).collect();
        assert!(bounded(rows(MOST_ROWS)).is_ok() && bounded(rows(MOST_ROWS + 1)).is_err());
        assert!(bounded(vec![Row::from_iter([("v".to_owned(), json!("x".repeat(MOST_BYTES)))])]).is_err());
    }

    #[test]
    fn a_change_is_a_row() {
        let (urls, fields) = (["https://a.example/".to_owned()], ["price".to_owned()]);
        let mut watched = Watched::default();
        watched.look(terms(&urls, &fields, 1), vec![Ok(page("£100"))]);
        let found = watched.look(terms(&urls, &fields, 2), vec![Ok(page("£80"))]);
        assert_eq!(
            json!(found[0].row()),
            json!({"checked_at": "2024-01-15T10:30:00Z", "url": "https://a.example/", "row": 1, "field": "price",
                   "old": "£100", "new": "£80", "change": 0.2, "reported": true})
        );
    }
}
