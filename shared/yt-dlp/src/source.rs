//! What is listed: a profile or a hashtag, and where it is found.

use std::str::FromStr;

use thiserror::Error;
use url::Url;

/// How long a name may be, in characters.
const MAX_CHARS: usize = 100;
const PLACE: &str = "{value}";

/// A profile or a hashtag, whose name is nothing but a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The videos of one account, the newest first.
    Profile(Name),
    /// The videos with one hashtag, in the order that the site chooses.
    Hashtag(Name),
}

/// A name that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name that is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    /// Of a profile.
    #[error(
        "a profile's name has 1 to {MAX_CHARS} letters, digits, dots, hyphens and underscores (A-Z, a-z), and is given without @"
    )]
    Profile,
    /// Of a hashtag.
    #[error("a hashtag has 1 to {MAX_CHARS} letters, digits and underscores, and is given without #")]
    Hashtag,
}

impl Source {
    /// The profile of this name, without `@`.
    pub fn profile(name: &str) -> Result<Self, SourceError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        // Neither an option, nor a way out of a path.
        let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if starts && name.chars().all(fits) && name.len() <= MAX_CHARS {
            return Ok(Self::Profile(Name(name.to_owned())));
        }
        Err(SourceError::Profile)
    }

    /// This hashtag, without `#`: letters of any script.
    pub fn hashtag(name: &str) -> Result<Self, SourceError> {
        let fits = |c: char| c.is_alphanumeric() || c == '_' || is_mark(c);
        let starts = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if starts && name.chars().all(fits) && name.chars().count() <= MAX_CHARS {
            return Ok(Self::Hashtag(Name(name.to_owned())));
        }
        Err(SourceError::Hashtag)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let (Self::Profile(name) | Self::Hashtag(name)) = self;
        &name.0
    }
}

/// Signs that belong to the letter before them, in scripts that write vowels so.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}'
        | '\u{981}'..='\u{983}' | '\u{9bc}'..='\u{9cd}' | '\u{b82}' | '\u{bbe}'..='\u{bcd}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{200c}' | '\u{200d}')
}

/// The address of a source, with `{value}` where its name goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

/// An address that cannot be used as a template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("it must be an http or https address with {PLACE} once in its path or query, and without a password")]
pub struct TemplateError;

impl Template {
    /// Where the source of this name is.
    pub(crate) fn url(&self, name: &str) -> Option<Url> {
        // Letters of other scripts are percent-encoded by the parser; nothing else is in a name that could mean anything in a URL.
        Url::parse(&self.0.replace(PLACE, name)).ok()
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let parsed = Url::parse(text).map_err(|_| TemplateError)?;
        let base = format!("{}://{}", parsed.scheme(), parsed.authority());
        let once =
            text.matches(PLACE).count() == 1 && text.get(..base.len()).is_some_and(|start| !start.contains(PLACE));
        let open = parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none();
        if matches!(parsed.scheme(), "http" | "https") && once && open && !text.contains(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(TemplateError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_nothing_but_names() {
        for good in ["khaby.lame", "a", "_x", "user-1", "7", &"a".repeat(100)] {
            assert_eq!(Source::profile(good).map(|source| source.name().to_owned()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "@khaby",
            "-o",
            "--exec=id",
            ".",
            "..",
            "a b",
            "a/b",
            "a\n--exec",
            "ä",
            "a?b",
            "a#b",
            "a%2e",
            "a\0",
            "$(id)",
            "'",
            &"a".repeat(101),
        ] {
            assert_eq!(Source::profile(bad), Err(SourceError::Profile), "{bad}");
        }
        for good in ["funny", "fypシ", "สวัสดี", "हिन्दी", "été_2024", "ベビー"] {
            assert_eq!(Source::hashtag(good).map(|source| source.name().to_owned()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "#funny",
            "-x",
            "a-b",
            "a.b",
            "a b",
            "a/b",
            "a?b",
            "\u{202e}x",
            "x\u{202e}",
            "a\n",
            "💡",
            &"あ".repeat(101),
        ] {
            assert_eq!(Source::hashtag(bad), Err(SourceError::Hashtag), "{bad}");
        }
    }

    #[test]
    fn templates_have_one_place_for_a_name_and_not_in_the_host() {
        let template: Template = "https://media.example.com/tags/{value}/feed.xml?x=1".parse().unwrap();
        assert_eq!(template.url("fypシ").unwrap().as_str(), "https://media.example.com/tags/fyp%E3%82%B7/feed.xml?x=1");
        for bad in [
            "https://example.com/",
            "https://{value}.example.com/",
            "https://example.com:{value}/",
            "https://user:word@example.com/{value}",
            "file:///etc/{value}",
            "{value}",
            "https://example.com/{value}/{value}",
            "https://example.com/#{value}",
        ] {
            assert_eq!(bad.parse::<Template>(), Err(TemplateError), "{bad}");
        }
    }
}
