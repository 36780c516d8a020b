//! CSS selectors to rows. A field is a selector and how to read what it matches; the matches of all fields, side by side, are rows.
//!
//! Row *i* takes each field's *i*-th match, in the document's order; a field with fewer matches than there are rows is null in the
//! last ones. A field that takes `multiple` is the list of all its matches, the same in every row.

pub mod document;
mod value;

use std::fmt;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use scraper::error::SelectorErrorKind;
use scraper::{ElementRef, Selector};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

pub use self::value::{integer, number, words};
use crate::export::{PageMetadata, Row};

/// The longest selector, in characters.
pub const MAX_SELECTOR_CHARS: usize = 512;
/// The longest name of a field or an attribute, in characters.
pub const MAX_NAME_CHARS: usize = 128;
/// The most rows of one page.
pub const MAX_ROWS: usize = 10_000;
/// The longest value, in bytes; the rest is cut off.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The most that all rows of one page hold, in bytes, roughly; the rows beyond are left out.
pub const MAX_PAGE_BYTES: usize = 32 * 1024 * 1024;
/// How long one page may be worked on. Only documents made to be slow come near it.
pub const MAX_TIME: Duration = Duration::from_secs(10);

/// What to take from a page for one field: a CSS selector, or an object that also says how to read what it matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SelectorSpec {
    /// The text of what the selector matches.
    Css(String),
    /// More than that.
    Field(FieldSpec),
}

/// A selector and how to read what it matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// The CSS selector.
    pub selector: String,
    /// The attribute to read, instead of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attr: Option<String>,
    /// What the text is to become.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// Whether to take the list of all matches.
    #[serde(default)]
    pub multiple: bool,
}

/// What a text becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// Text, its white space collapsed.
    #[default]
    String,
    /// A number; currency signs and thousands separators are ignored.
    Number,
    /// A whole number, read in the same way.
    Integer,
    /// Yes or no. An attribute that is there without a value is a yes.
    Boolean,
    /// An absolute URL, resolved as the page resolves its links. Read from `href` or `src` where no attribute is named.
    Url,
    /// The HTML inside of the element, as it is.
    Html,
}

impl ValueType {
    const fn name(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "a yes or no",
            Self::Url => "a URL",
            Self::Html => "HTML",
        }
    }
}

impl<'de> Deserialize<'de> for SelectorSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Unlike an untagged enum, says what is wrong inside of the object.
        struct SpecVisitor;

        impl<'de> Visitor<'de> for SpecVisitor {
            type Value = SelectorSpec;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a CSS selector, or an object with one as `selector`")
            }

            fn visit_str<E: serde::de::Error>(self, selector: &str) -> Result<Self::Value, E> {
                Ok(SelectorSpec::Css(selector.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                FieldSpec::deserialize(MapAccessDeserializer::new(map)).map(SelectorSpec::Field)
            }
        }

        deserializer.deserialize_any(SpecVisitor)
    }
}

/// A field that cannot be used, and why.
pub type FieldFault = (String, String);

/// The fields to take from pages, ready for use.
#[derive(Clone, Debug)]
pub struct Selectors {
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    selector: Selector,
    attr: Option<String>,
    value_type: ValueType,
    multiple: bool,
}

/// What was taken from a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extraction {
    /// The rows, each with every field, in the order of the selectors.
    pub rows: Vec<Row>,
    /// What the one who wrote the selectors should know.
    pub warnings: Vec<String>,
}

impl Selectors {
    /// Makes selectors ready for use; or gives every field that is at fault.
    pub fn compile(specs: &IndexMap<String, SelectorSpec>) -> Result<Self, Vec<FieldFault>> {
        let (mut fields, mut faults) = (Vec::with_capacity(specs.len()), Vec::new());
        for (name, spec) in specs {
            let spec = match spec {
                SelectorSpec::Css(selector) => &FieldSpec { selector: selector.clone(), ..FieldSpec::default() },
                SelectorSpec::Field(spec) => spec,
            };
            match compile_field(name, spec) {
                Ok(field) => fields.push(field),
                Err(found) => faults.extend(found.into_iter().map(|fault| (name.clone(), fault))),
            }
        }
        if faults.is_empty() { Ok(Self { fields }) } else { Err(faults) }
    }

    /// The fields' names, in their order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Takes the fields from a page that was read at `url`. Works on the processor for as long as the page is large: from a task
    /// that must stay responsive, call it by `spawn_blocking`.
    #[must_use]
    pub fn extract(&self, html: &str, url: &Url) -> Extraction {
        let deadline = Instant::now() + MAX_TIME;
        let mut warnings = Vec::new();
        // The document cannot be sent between threads: it lives and dies in here.
        let Some(document) = document::parse(html, deadline) else {
            warnings
                .push(format!("the page was left out: reading it takes longer than {} seconds", MAX_TIME.as_secs()));
            return Extraction { rows: Vec::new(), warnings };
        };
        let base = document::base_url(&document, url);
        let mut room = MAX_PAGE_BYTES;
        let columns = self.fields.iter().map(|field| {
            let matches = document::select(&document, &field.selector);
            field.column(matches, &base, deadline, &mut room, &mut warnings)
        });
        let columns: Vec<Vec<Value>> = columns.collect();
        let rows = self.rows(columns, &mut warnings);
        Extraction { rows, warnings }
    }

    /// Puts the fields' values side by side.
    fn rows(&self, columns: Vec<Vec<Value>>, warnings: &mut Vec<String>) -> Vec<Row> {
        if columns.iter().all(Vec::is_empty) {
            warnings.push("no selector matched anything on the page".to_owned());
            return Vec::new();
        }
        let single = || self.fields.iter().zip(&columns).filter(|(field, _)| !field.multiple);
        // A list alone makes one row.
        let wanted = single().map(|(_, values)| values.len()).max().unwrap_or(0).max(1);
        for (Field { name, .. }, values) in single().filter(|(_, values)| values.len() < wanted) {
            warnings.push(format!(
                "selector '{name}' matched {} of {wanted} rows; values are aligned by position",
                values.len()
            ));
        }
        for (Field { name, .. }, _) in
            self.fields.iter().zip(&columns).filter(|(field, values)| field.multiple && values.is_empty())
        {
            warnings.push(format!("selector '{name}' matched nothing"));
        }

        // A list is repeated in every row: what that takes is known beforehand.
        let repeated: usize = self
            .fields
            .iter()
            .zip(&columns)
            .filter(|(field, _)| field.multiple)
            .flat_map(|(_, values)| values)
            .map(value::size)
            .sum();
        let kept = wanted.min((MAX_PAGE_BYTES / repeated.max(1)).max(1));
        if kept < wanted {
            warnings.push(format!("only the first {kept} of {wanted} rows were kept: they would be too large"));
        }

        let mut columns: Vec<Column> =
            self.fields.iter().zip(columns).map(|(field, values)| Column::new(field, values)).collect();
        (0..kept).map(|_| columns.iter_mut().map(|column| (column.name.clone(), column.next())).collect()).collect()
    }
}

/// A field's values, to be dealt out row by row.
struct Column {
    name: String,
    values: Values,
}

enum Values {
    Single(std::vec::IntoIter<Value>),
    Repeated(Value),
}

impl Column {
    fn new(field: &Field, values: Vec<Value>) -> Self {
        let values =
            if field.multiple { Values::Repeated(Value::Array(values)) } else { Values::Single(values.into_iter()) };
        Self { name: field.name.clone(), values }
    }

    fn next(&mut self) -> Value {
        match &mut self.values {
            Values::Single(values) => values.next().unwrap_or(Value::Null),
            Values::Repeated(list) => list.clone(),
        }
    }
}

impl Field {
    /// The values of this field's matches, in the document's order.
    fn column<'a>(
        &self,
        matches: impl Iterator<Item = ElementRef<'a>>,
        base: &Url,
        deadline: Instant,
        room: &mut usize,
        warnings: &mut Vec<String>,
    ) -> Vec<Value> {
        let name = &self.name;
        let (mut values, mut tally) = (Vec::new(), value::Tally::default());
        for element in matches {
            if values.len() == MAX_ROWS {
                warnings.push(format!(
                    "selector '{name}' matched more than {MAX_ROWS} times; only the first {MAX_ROWS} were taken"
                ));
                break;
            }
            let read = value::read(element, self.attr.as_deref(), self.value_type, base, &mut tally);
            let size = value::size(&read);
            if size > *room || Instant::now() > deadline {
                let taken = values.len();
                warnings.push(format!(
                    "selector '{name}' matched more than can be taken from one page; only the first {taken} were taken"
                ));
                break;
            }
            *room -= size;
            values.push(read);
        }
        let total = values.len();
        let mut warn = |count: usize, what: &str| {
            if count > 0 {
                warnings.push(format!("selector '{name}': {count} of {total} values {what}"));
            }
        };
        warn(
            tally.missing,
            &format!("are null: the attribute '{}' is missing", self.attr.as_deref().unwrap_or_default()),
        );
        warn(tally.unread, &format!("are null: they could not be read as {}", self.value_type.name()));
        warn(tally.cut, &format!("were cut to {MAX_VALUE_BYTES} bytes"));
        values
    }
}

fn compile_field(name: &str, spec: &FieldSpec) -> Result<Field, Vec<String>> {
    let mut faults = Vec::new();
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS {
        faults.push(format!("a field's name must have 1 to {MAX_NAME_CHARS} characters"));
    }
    if PageMetadata::COLUMNS.contains(&name) {
        faults.push(format!("'{name}' is the name of a column of metadata"));
    }
    if let Some(attr) = &spec.attr
        && (attr.is_empty() || attr.chars().count() > MAX_NAME_CHARS || attr.contains(char::is_whitespace))
    {
        faults.push(format!("an attribute's name must have 1 to {MAX_NAME_CHARS} characters and no white space"));
    }
    let selector = compile(&spec.selector).map_err(|fault| faults.push(fault));
    let Ok(selector) = selector else { return Err(faults) };
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Field {
        name: name.to_owned(),
        selector,
        // HTML's parser gives attributes in lower case.
        attr: spec.attr.as_deref().map(str::to_ascii_lowercase),
        value_type: spec.value_type,
        multiple: spec.multiple,
    })
}

/// Whether a text is a CSS selector that can be used; or why not.
pub fn check(selector: &str) -> Result<(), String> {
    compile(selector).map(|_| ())
}

/// Makes a CSS selector ready for use; or says why it cannot be used.
pub fn compile(selector: &str) -> Result<Selector, String> {
    if selector.trim().is_empty() {
        return Err("the selector is empty".to_owned());
    }
    if selector.chars().count() > MAX_SELECTOR_CHARS {
        return Err(format!("the selector is longer than {MAX_SELECTOR_CHARS} characters"));
    }
    Selector::parse(selector).map_err(|error| {
        let reason = match error {
            SelectorErrorKind::EndOfLine => "it ends too early",
            SelectorErrorKind::TooManyNestedBlocks => "it is nested too deeply",
            SelectorErrorKind::InvalidAtRule | SelectorErrorKind::InvalidAtRuleBody => "it contains an at-rule",
            _ if selector.contains("::") => {
                "pseudo-elements such as ::text are not supported; use `attr` for attributes"
            }
            SelectorErrorKind::UnexpectedSelectorParseError(_) => {
                "it is incomplete or uses something that is not supported here"
            }
            _ => "it contains something unexpected",
        };
        format!("'{selector}' is not a valid CSS selector: {reason}")
    })
}

#[cfg(test)]
mod tests;
