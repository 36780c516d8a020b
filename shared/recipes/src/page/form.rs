//! A form, as a browser would send it.

use scraper::{ElementRef, Selector};
use url::Url;

use super::Document;
use crate::error::{Change, Fault};
use crate::recipe::Css;

/// The most fields of a form, and the most bytes of them all: a view state can be large.
const MOST_FIELDS: usize = 1_000;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A form: where it goes, and what its fields have. Its fields may be secrets: it cannot be shown.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) action: Url,
    fields: Vec<(String, String)>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

impl Form {
    /// The one form of a page; `carry` are the fields that it must have.
    pub(super) fn read(page: &Document, form: &Css, what: &'static str, carry: &[String]) -> Result<Self, Fault> {
        let mut forms = form.all(&page.html);
        let missing = || Change::Missing { what, selector: form.to_string() };
        let element = forms.next().ok_or_else(missing)?;
        if forms.next().is_some() {
            return Err(Change::Several { what, selector: form.to_string() }.into());
        }
        let is_post = element.attr("method").is_some_and(|method| method.trim().eq_ignore_ascii_case("post"));
        let action = element.attr("action").map_or(Ok(page.base.clone()), |action| page.base.join(action.trim()));
        let action = action.ok().filter(|_| is_post).ok_or(Change::Form)?;
        let read = Self { action, fields: fields(element)? };
        carry.iter().try_for_each(|field| read.require(field))?;
        Ok(read)
    }

    /// Makes sure that there is a field of this name.
    pub(super) fn require(&self, name: &str) -> Result<(), Fault> {
        let is_there = self.fields.iter().any(|(field, _)| field == name);
        if is_there { Ok(()) } else { Err(Change::Field(name.to_owned()).into()) }
    }

    /// What is sent, with these fields filled in: those that the form has not are added, as scripts do with the event of a view state.
    pub(crate) fn filled<'a>(&self, filled: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        for (name, value) in filled {
            match fields.iter_mut().find(|(field, _)| field == name) {
                Some((_, old)) => *old = value,
                None => fields.push((name.to_owned(), value)),
            }
        }
        fields
    }
}

/// A form's fields that are sent when no button is pressed (the HTML standard's entry list, without files).
fn fields(form: ElementRef) -> Result<Vec<(String, String)>, Fault> {
    let Ok(controls) = Selector::parse("input, select, textarea") else { return Ok(Vec::new()) };
    let mut fields = Vec::new();
    let mut bytes = 0;
    for control in form.select(&controls) {
        let name = control.attr("name").filter(|name| !name.is_empty() && control.attr("disabled").is_none());
        let Some((name, value)) = name.zip(value(control)) else { continue };
        bytes += name.len() + value.len();
        if fields.len() == MOST_FIELDS || bytes > MOST_BYTES {
            return Err(Change::Form.into());
        }
        fields.push((name.to_owned(), value));
    }
    Ok(fields)
}

/// What a control has; none of one that is not sent.
fn value(control: ElementRef) -> Option<String> {
    match control.value().name() {
        "textarea" => Some(control.text().collect()),
        "select" => {
            let options = Selector::parse("option").ok()?;
            let mut options = control.select(&options).peekable();
            let first = options.peek().copied();
            let chosen = options.find(|option| option.attr("selected").is_some()).or(first)?;
            Some(chosen.attr("value").map_or_else(|| scraping::selectors::words(chosen), str::to_owned))
        }
        _ => {
            let kind = control.attr("type").unwrap_or("text").to_ascii_lowercase();
            let value = control.attr("value");
            match kind.as_str() {
                "submit" | "button" | "image" | "reset" | "file" => None,
                "checkbox" | "radio" if control.attr("checked").is_none() => None,
                "checkbox" | "radio" => Some(value.unwrap_or("on").to_owned()),
                _ => Some(value.unwrap_or_default().to_owned()),
            }
        }
    }
}
