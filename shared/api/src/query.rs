//! Query strings.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use input::Fault;

/// The most of a listing that one page holds.
pub const LARGEST_PAGE: usize = 100;
/// How much of it one page holds unless a caller says otherwise.
const USUAL_PAGE: usize = 50;

/// The schema of `limit`.
#[must_use]
pub fn limits() -> input::schema::schema::Object {
    input::schema::whole::<1, { LARGEST_PAGE as u64 }>()
}

/// The parameters of a query string.
pub struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_form(parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    /// Those of a query string, or of a form that was sent (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn of_form(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Those of a form that was sent in parts (`multipart/form-data`).
    pub(crate) const fn of_parts(parts: Vec<(String, String)>) -> Self {
        Self(parts)
    }

    /// The last value of a parameter, of at most `longest` characters; an empty one counts as not given.
    pub fn text(&self, name: &str, longest: usize) -> Result<Option<&str>, Fault> {
        let given = self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let Some(text) = given.filter(|value| !value.is_empty()) else { return Ok(None) };
        if text.chars().count() > longest {
            return Err(Fault::new(name, format!("must have at most {longest} characters")));
        }
        if text.contains('\0') {
            return Err(Fault::new(name, "must not hold a NUL character"));
        }
        Ok(Some(text))
    }

    /// A whole number from `smallest` to `largest`.
    pub fn number(&self, name: &str, smallest: u64, largest: u64) -> Result<Option<u64>, Fault> {
        let Some(text) = self.text(name, 40)? else { return Ok(None) };
        match text.parse() {
            Ok(number) if (smallest..=largest).contains(&number) => Ok(Some(number)),
            _ => Err(Fault::new(name, format!("must be a whole number from {smallest} to {largest}"))),
        }
    }

    /// Whether something is asked for: `true`, `1`, `false` or `0`; in any case, since Python's clients write `True`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.text(name, 40)?.map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Fault::new(name, "must be true or false")),
        }
    }

    /// One of these words, by its place among them.
    pub fn word(&self, name: &str, words: &[&str]) -> Result<Option<usize>, Fault> {
        let Some(text) = self.text(name, 100)? else { return Ok(None) };
        let place = words.iter().position(|word| *word == text);
        place.map(Some).ok_or_else(|| Fault::new(name, format!("must be one of {}", words.join(", "))))
    }

    /// The size of a page: `limit`, 1 to 100, 50 unless given.
    pub fn limit(&self) -> Result<usize, Fault> {
        let limit = self.number("limit", 1, LARGEST_PAGE as u64)?;
        Ok(limit.map_or(USUAL_PAGE, |limit| usize::try_from(limit).unwrap_or(LARGEST_PAGE)))
    }
}
