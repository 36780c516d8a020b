//! How answers are printed.

use std::io::{ErrorKind, IsTerminal, Write, stdout};
use std::process::exit;

use anstyle::Style;
use clap::ValueEnum;
use serde_json::{Map, Value as Json};

use crate::failure::Exit;
use crate::plain::{clipped, escaped, plain};

/// The widest that a column is on a terminal, unless it is of ids.
const WIDEST_COLUMN: usize = 60;
const HEADING: Style = Style::new().bold();

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One `name: value` a line; lists as tables
    Text,
    /// One JSON object; errors too, on standard error
    Json,
}

/// What a command answers.
pub(crate) struct Answer {
    /// What a program reads of it. The names of its fields stay.
    pub(crate) json: Json,
    /// What a person reads, where it is laid out otherwise than all answers are.
    pub(crate) text: Option<String>,
    /// How the command ends.
    pub(crate) exit: Exit,
}

impl From<Json> for Answer {
    fn from(json: Json) -> Self {
        Self { json, text: None, exit: Exit::Done }
    }
}

impl Answer {
    /// What of it was printed already, a line at a time, or drawn.
    pub(crate) const fn nothing() -> Self {
        Self { json: Json::Null, text: Some(String::new()), exit: Exit::Done }
    }

    /// Prints it. Colours are for terminals alone, and not where NO_COLOR says so.
    pub(crate) fn print(&self, format: Format) {
        match (format, &self.text) {
            (Format::Json, _) if self.json.is_null() => {}
            (Format::Text, Some(text)) => emit_and_end(text, self.exit),
            _ => emit_and_end(&format.render(&self.json), self.exit),
        }
    }
}

/// Prints on standard output. Who reads no more, as `head`, wants no more: that is no failure.
pub(crate) fn emit(text: &str) {
    emit_and_end(text, Exit::Done);
}

/// The same of what is printed last: how the command ends does not depend on whether all of it is read.
fn emit_and_end(text: &str, end: Exit) {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit(end as i32),
        Err(error) => {
            anstream::eprintln!("error: nothing can be printed: {error}");
            exit(1);
        }
    }
}

impl Format {
    /// An answer as it is printed, with the end of its last line.
    pub(crate) fn render(self, answer: &Json) -> String {
        match self {
            Self::Json => format!("{}\n", escaped(&answer.to_string())),
            Self::Text => text(answer),
        }
    }
}

/// The widest that a column may be here: what goes to a file or a program is whole.
fn widest() -> usize {
    if stdout().is_terminal() { WIDEST_COLUMN } else { usize::MAX }
}

/// An answer for people.
pub(crate) fn text(answer: &Json) -> String {
    laid_out(answer, widest())
}

/// A table of these fields of things.
pub(crate) fn columns(things: &[Json], shown: &[&str]) -> String {
    let things: Vec<_> = things.iter().filter_map(Json::as_object).collect();
    table(&things, shown, widest())
}

fn laid_out(answer: &Json, widest: usize) -> String {
    answer.as_object().into_iter().flatten().map(|(name, value)| lines(name, value, widest)).collect()
}

fn lines(name: &str, value: &Json, widest: usize) -> String {
    match things(value) {
        Some(list) if list.is_empty() => format!("{name}: none\n"),
        Some(list) => table(&list, &names(&list), widest),
        None => format!("{name}: {}\n", shown(value)),
    }
}

/// The things of a list of things.
fn things(value: &Json) -> Option<Vec<&Map<String, Json>>> {
    value.as_array()?.iter().map(Json::as_object).collect()
}

/// The fields that the things have, in their order, but for those that are null in all of them.
fn names<'a>(things: &[&'a Map<String, Json>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in things.iter().flat_map(|thing| thing.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.retain(|name| things.iter().any(|thing| thing.get(*name).is_some_and(|value| !value.is_null())));
    names
}

/// Things one a line, below what their fields are called.
fn table(things: &[&Map<String, Json>], names: &[&str], widest: usize) -> String {
    let cell = |thing: &Map<String, Json>, name: &str| {
        let text = thing.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), shown);
        let is_id = name == "id" || name.ends_with("_id");
        if is_id { text } else { clipped(&text, widest).into_owned() }
    };
    let heading: Vec<_> = names.iter().map(|name| name.to_uppercase().replace('_', " ")).collect();
    let rows: Vec<Vec<_>> = things.iter().map(|thing| names.iter().map(|name| cell(thing, name)).collect()).collect();
    let widths: Vec<_> = (0..names.len())
        .map(|column| rows.iter().chain([&heading]).map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let heading = format!("{HEADING}{}{HEADING:#}\n", row(&heading, &widths));
    rows.iter().fold(heading, |table, cells| table + &row(cells, &widths) + "\n")
}

/// Cells side by side, without spaces at the end.
fn row(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A value on one line, whatever it holds.
fn shown(value: &Json) -> String {
    plain(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_lines_and_tables_or_one_object() {
        for (answer, expected) in [
            (json!({"user_id": "u", "units": 5, "note": null}), "user_id: u\nunits: 5\nnote: null\n"),
            (json!({"letters": []}), "letters: none\n"),
            (
                json!({"letters": [{"id": "a", "sent_at": null, "n": 1}, {"id": "bcd", "sent_at": 12, "n": 1}], "next": "x"}),
                "ID   SENT AT  N\na    -        1\nbcd  12       1\nnext: x\n",
            ),
            (json!({"permissions": ["tasks:read"]}), "permissions: [\"tasks:read\"]\n"),
            (json!({"body": "a\u{1b}[2Jb\nc"}), "body: a [2Jb c\n"),
        ] {
            let bare = anstream::adapter::strip_str(&laid_out(&answer, usize::MAX)).to_string();
            assert_eq!(bare, expected);
            assert_eq!(Format::Json.render(&answer), format!("{answer}\n"));
        }
    }

    #[test]
    fn a_wide_column_is_clipped_but_ids_are_whole() {
        let answer = json!({"jobs": [{"id": "0123456789", "error": "a long story"}]});
        let bare = anstream::adapter::strip_str(&laid_out(&answer, 6)).to_string();
        assert_eq!(bare, "ID          ERROR\n0123456789  a lon…\n");
    }
}
