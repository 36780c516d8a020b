//! The words of a recipe, each judged as it is read.

use std::fmt;

use jiff::civil::{Date, date};
use scraper::{ElementRef, Html, Selector};
use scraping::selectors::{compile, document, words};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// The longest text that a spot may have, in bytes; longer ones are not what is looked for.
const LONGEST_SPOT: usize = 2_048;

/// What is before this year was written in another way than the recipe says.
const EARLIEST_YEAR: i16 = 1900;

/// A CSS selector.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Css {
    text: String,
    selector: Selector,
}

impl TryFrom<String> for Css {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let selector = compile(&text)?;
        Ok(Self { text, selector })
    }
}

impl Css {
    /// The elements that it matches, in their order.
    pub(crate) fn all<'a>(&'a self, page: &'a Html) -> impl Iterator<Item = ElementRef<'a>> {
        document::select(page, &self.selector)
    }

    /// The first element that it matches.
    pub(crate) fn first<'a>(&'a self, page: &'a Html) -> Option<ElementRef<'a>> {
        self.all(page).next()
    }

    /// Whether it matches this element.
    pub(crate) fn matches(&self, element: ElementRef) -> bool {
        self.selector.matches(&element)
    }
}

impl fmt::Display for Css {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Css {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A path within the portal, relative to its base URL; a query may follow.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct SitePath(String);

impl TryFrom<String> for SitePath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let (base, other) = ("https://portal.invalid/base/", "http://other.invalid/base/");
        // Of no scheme and no host: it goes with either of two bases.
        let is_within = |base: &str| {
            let joined = Url::parse(base).ok().and_then(|base| base.join(&path).ok());
            joined.is_some_and(|joined| joined.as_str().starts_with(base))
        };
        if path.is_empty() || path.contains(['#', '\\']) || !is_within(base) || !is_within(other) {
            return Err(format!("'{path}' is not a path within the portal, such as records.php?tab=sales"));
        }
        Ok(Self(path))
    }
}

impl SitePath {
    /// The URL at the portal with this base, which ends with a slash.
    pub(crate) fn at(&self, base: &Url) -> Url {
        // It was joined to a base before, and one base is as good as another.
        base.join(&self.0).unwrap_or_else(|_| base.clone())
    }
}

/// A name for machines: of a portal, a column or a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if !(1..=64).contains(&name.len())
            || !name.starts_with(|c: char| c.is_ascii_lowercase())
            || !name.chars().all(fits)
        {
            return Err(format!("'{name}' is not a name: at most 64 of a-z, 0-9, _ and -, with a letter first"));
        }
        Ok(Self(name))
    }
}

impl Name {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Pointer(String);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(pointer: String) -> Result<Self, String> {
        if pointer.is_empty() || pointer.starts_with('/') {
            return Ok(Self(pointer));
        }
        Err(format!("'{pointer}' is not a JSON pointer, such as /data"))
    }
}

impl Pointer {
    /// What it points to.
    pub(crate) fn take_from(&self, json: &mut Value) -> Option<Value> {
        json.pointer_mut(&self.0).map(Value::take)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How dates are written, as by strftime.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct DateFormat(String);

impl TryFrom<String> for DateFormat {
    type Error = String;

    fn try_from(format: String) -> Result<Self, String> {
        let day = date(2026, 11, 22);
        let written = jiff::fmt::strtime::format(&format, day).map_err(|error| error.to_string())?;
        match Date::strptime(&format, &written) {
            Ok(read) if read == day => Ok(Self(format)),
            _ => Err(format!("'{format}' does not say the day, the month and the year of a date, as %d-%m-%Y does")),
        }
    }
}

impl DateFormat {
    /// Reads a date. `%Y` would take a year of two digits for one of the first century.
    pub(crate) fn read(&self, text: &str) -> Option<Date> {
        Date::strptime(&self.0, text).ok().filter(|date| date.year() >= EARLIEST_YEAR)
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a text stands on a page: a selector, or an object that also says which attribute has it, and which words are around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "SpotForm")]
pub struct Spot {
    selector: Css,
    attr: Option<String>,
    after: Option<String>,
    before: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpotForm {
    Css(Css),
    Full(FullSpot),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullSpot {
    selector: Css,
    attr: Option<String>,
    after: Option<String>,
    before: Option<String>,
}

impl From<SpotForm> for Spot {
    fn from(form: SpotForm) -> Self {
        match form {
            SpotForm::Css(selector) => Self { selector, attr: None, after: None, before: None },
            SpotForm::Full(FullSpot { selector, attr, after, before }) => Self { selector, attr, after, before },
        }
    }
}

impl Spot {
    /// The text, where it stands first.
    pub(crate) fn read(&self, page: &Html) -> Option<String> {
        self.read_all(page).next()
    }

    /// The texts, wherever they stand.
    pub(crate) fn read_all<'a>(&'a self, page: &'a Html) -> impl Iterator<Item = String> {
        self.selector.all(page).filter_map(|element| {
            let text = match &self.attr {
                Some(attr) => element.attr(attr)?.trim().to_owned(),
                None => words(element),
            };
            let text = self.after.as_ref().map_or(Some(text.as_str()), |word| Some(text.split_once(word)?.1))?;
            let text = self.before.as_ref().map_or(Some(text), |word| Some(text.split_once(word)?.0))?;
            let text = text.trim();
            (!text.is_empty() && text.len() <= LONGEST_SPOT).then(|| text.to_owned())
        })
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.selector)
    }
}
