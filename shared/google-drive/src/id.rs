//! The ids of files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest id that is believed to be one; today's have 33 characters.
const LONGEST: usize = 128;

/// By which Drive knows a file or a folder. It can stand in a path, a query and JSON as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileId(String);

impl FileId {
    /// The id that a text is; `None` if it can be none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_usual)).then(|| Self(text.to_owned()))
    }

    /// The id as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where people look at the file.
    #[must_use]
    pub fn link(&self) -> String {
        format!("https://drive.google.com/file/d/{self}/view")
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FileId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("this is no id of Drive's")
    }
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_can_stand_in_a_path_and_a_query() {
        for id in ["root", "1aB-_9", &"x".repeat(128)] {
            assert_eq!(FileId::parse(id).map(String::from), Some(id.to_owned()));
        }
        for wrong in ["", "a/b", "a'b", "a b", "..", "a?b", "\u{e9}", &"x".repeat(129)] {
            assert_eq!(FileId::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(FileId::parse("1abc").unwrap().link(), "https://drive.google.com/file/d/1abc/view");
    }
}
