//! How answers are printed.

use clap::ValueEnum;
use serde_json::Value as Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One `name: value` a line; of a list one line for each thing
    Text,
    /// One JSON object
    Json,
}

impl Format {
    /// An answer as it is printed, with the end of its last line.
    pub(crate) fn render(self, answer: &Json) -> String {
        match self {
            Self::Json => format!("{answer}\n"),
            Self::Text => answer.as_object().into_iter().flatten().map(|(name, value)| lines(name, value)).collect(),
        }
    }
}

fn lines(name: &str, value: &Json) -> String {
    match value.as_array().filter(|list| list.iter().all(Json::is_object)) {
        Some(list) if list.is_empty() => format!("{name}: none\n"),
        Some(list) => list.iter().map(|thing| line(thing) + "\n").collect(),
        None => format!("{name}: {}\n", plain(value)),
    }
}

/// A thing of a list, on one line.
fn line(thing: &Json) -> String {
    let fields = thing.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| format!("{name}: {}", plain(value))).collect::<Vec<_>>().join("  ")
}

/// A value on one line, whatever it holds: no text of others moves the cursor.
fn plain(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_lines_or_one_object() {
        for (answer, text) in [
            (json!({"user_id": "u", "units": 5, "note": null}), "user_id: u\nunits: 5\nnote: null\n"),
            (json!({"letters": []}), "letters: none\n"),
            (json!({"letters": [{"id": "a", "at": null}, {"id": "b", "at": 1}]}), "id: a\nid: b  at: 1\n"),
            (json!({"permissions": ["tasks:read"]}), "permissions: [\"tasks:read\"]\n"),
            (json!({"body": "a\u{1b}[2Jb\nc"}), "body: a [2Jb c\n"),
        ] {
            assert_eq!(Format::Text.render(&answer), text);
            assert_eq!(Format::Json.render(&answer), format!("{answer}\n"));
        }
    }
}
