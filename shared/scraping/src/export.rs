//! Rows as files: JSON, CSV and XLSX, written row by row.

mod sheet;

use std::io::{self, Write};

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::sheet::LONGEST_TEXT;
use self::sheet::Sheets;
use crate::fetch::Page;

/// A row: a value for each field.
pub type Row = Map<String, Value>;

/// The form of a file of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An array of objects.
    #[default]
    Json,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// A workbook (ISO/IEC 29500) with a header row.
    Xlsx,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Whether the file is text.
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Xlsx)
    }

    /// The extension of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Where a row came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageMetadata {
    /// The URL that was asked for.
    pub url: String,
    /// The URL that the content came from.
    pub final_url: String,
    /// The HTTP status.
    pub status: u16,
    /// When it was fetched: RFC 3339, UTC.
    pub fetched_at: String,
}

impl From<&Page> for PageMetadata {
    fn from(page: &Page) -> Self {
        Self {
            url: page.url.to_string(),
            final_url: page.final_url.to_string(),
            status: page.status,
            fetched_at: page.fetched_at.to_string(),
        }
    }
}

impl PageMetadata {
    /// The columns that metadata adds, before the fields.
    pub const COLUMNS: [&'static str; 4] = ["_url", "_final_url", "_status", "_fetched_at"];

    /// The row with its metadata before its fields.
    #[must_use]
    pub fn prepend_to(&self, row: Row) -> Row {
        let values = [
            self.url.as_str().into(),
            self.final_url.as_str().into(),
            self.status.into(),
            self.fetched_at.as_str().into(),
        ];
        Self::COLUMNS.into_iter().map(str::to_owned).zip(values).chain(row).collect()
    }
}

/// The columns of a file: the fields in their order, after the metadata where it is included.
#[must_use]
pub fn columns<'a>(fields: impl IntoIterator<Item = &'a str>, include_metadata: bool) -> Vec<String> {
    let metadata = include_metadata.then_some(PageMetadata::COLUMNS).into_iter().flatten();
    metadata.chain(fields).map(str::to_owned).collect()
}

/// Writes rows to a file as they come. Each has all columns, in their order; what a row lacks is null.
///
/// JSON and CSV go to the file at once. A workbook's sheets go to temporary files, and to the file at the end; no form keeps rows in memory.
pub struct RowWriter<W: Write + Send> {
    columns: Vec<String>,
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    Json { file: W, rows: u64 },
    Csv(Box<csv::Writer<W>>),
    Xlsx { file: W, sheets: Box<Sheets> },
}

/// A file that is whole.
#[derive(Debug)]
pub struct Written<W> {
    /// The file.
    pub file: W,
    /// What its owner should know of it.
    pub notes: Vec<String>,
}

impl<W: Write + Send> RowWriter<W> {
    /// Begins a file.
    pub fn new(format: Format, columns: Vec<String>, file: W) -> io::Result<Self> {
        let sink = match format {
            Format::Json => Sink::Json { file, rows: 0 },
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
                writer.write_record(columns.iter().map(|column| neutralise(column.clone())))?;
                Sink::Csv(Box::new(writer))
            }
            Format::Xlsx => Sink::Xlsx { file, sheets: Box::new(Sheets::new(&columns)?) },
        };
        Ok(Self { columns, sink })
    }

    /// Writes a row. An error of the kind `FileTooLarge` says that the form cannot hold so much.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.sink {
            Sink::Json { file, rows } => {
                file.write_all(if *rows == 0 { b"[\n  " } else { b",\n  " })?;
                serde_json::to_writer(&mut *file, &InColumns { columns: &self.columns, row })?;
                *rows += 1;
            }
            Sink::Csv(writer) => writer.write_record(self.columns.iter().map(|column| cell(row.get(column))))?,
            Sink::Xlsx { sheets, .. } => sheets.write(&self.columns, row)?,
        }
        Ok(())
    }

    /// Ends the file and gives it back.
    pub fn finish(self) -> io::Result<Written<W>> {
        match self.sink {
            Sink::Json { mut file, rows } => {
                file.write_all(if rows == 0 { b"[]\n" } else { b"\n]\n" })?;
                file.flush()?;
                Ok(Written { file, notes: Vec::new() })
            }
            Sink::Csv(writer) => {
                let file = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
                Ok(Written { file, notes: Vec::new() })
            }
            Sink::Xlsx { mut file, sheets } => {
                let notes = sheets.save(&mut file)?;
                Ok(Written { file, notes })
            }
        }
    }
}

/// A row as an object of all columns.
struct InColumns<'a> {
    columns: &'a [String],
    row: &'a Row,
}

impl Serialize for InColumns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            object.serialize_entry(column, self.row.get(column).unwrap_or(&Value::Null))?;
        }
        object.end()
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => neutralise(text.clone()),
        Some(value) => value.to_string(),
    }
}

/// Keeps spreadsheets from running a stranger's text as a formula: an apostrophe before what would start one
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Plain numbers, also signed ones, stay as they are.
fn neutralise(mut text: String) -> String {
    if begins_like_formula(&text) {
        text.insert(0, '\'');
    }
    text
}

fn begins_like_formula(text: &str) -> bool {
    let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) && !is_number()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        match value {
            Value::Object(row) => row,
            other => panic!("{other}"),
        }
    }

    fn file(format: Format, columns: &[&str], rows: &[Row]) -> String {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let mut writer = RowWriter::new(format, columns, Vec::new()).unwrap();
        for row in rows {
            writer.write(row).unwrap();
        }
        String::from_utf8(writer.finish().unwrap().file).unwrap()
    }

    #[test]
    fn json_is_an_array_of_objects_in_the_columns_order() {
        let rows = [row(json!({"price": 1.5, "title": "A"})), row(json!({"title": "Ü \"q\"", "tags": ["x", 1]}))];
        assert_eq!(
            file(Format::Json, &["title", "price", "tags"], &rows),
            "[\n  {\"title\":\"A\",\"price\":1.5,\"tags\":null},\n  {\"title\":\"Ü \\\"q\\\"\",\"price\":null,\"tags\":[\"x\",1]}\n]\n"
        );
        assert_eq!(file(Format::Json, &["title"], &[]), "[]\n");
    }

    #[test]
    fn csv_has_a_header_and_quotes_what_needs_it() {
        let rows = [
            row(json!({"title": "A, \"b\"\nc", "price": 1.5, "ok": true})),
            row(json!({"title": null, "tags": ["x", 1], "ok": false})),
        ];
        assert_eq!(
            file(Format::Csv, &["title", "price", "tags", "ok"], &rows),
            "title,price,tags,ok\r\n\"A, \"\"b\"\"\nc\",1.5,,true\r\n,,\"[\"\"x\"\",1]\",false\r\n"
        );
        assert_eq!(file(Format::Csv, &["title"], &[]), "title\r\n");
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_neutralised() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1-2", "'+1-2"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1+1", "'＝1+1"),
            ("-", "'-"),
            ("-inf", "'-inf"),
            ("+nan", "'+nan"),
            ("-12.5", "-12.5"),
            ("+3", "+3"),
            ("-1e5", "-1e5"),
            ("a=1", "a=1"),
            (" =1", " =1"),
            ("", ""),
        ] {
            assert_eq!(cell(Some(&Value::from(text))), expected, "{text}");
        }
        assert_eq!(file(Format::Csv, &["=x"], &[]), "'=x\r\n");
        assert_eq!(cell(Some(&json!(-5))), "-5");
    }

    #[test]
    fn metadata_comes_before_the_fields() {
        let metadata = PageMetadata {
            url: "http://a.example/".to_owned(),
            final_url: "http://a.example/b".to_owned(),
            status: 200,
            fetched_at: "2024-01-15T10:30:00Z".to_owned(),
        };
        let row = metadata.prepend_to(row(json!({"title": "A"})));
        let names: Vec<_> = row.keys().cloned().collect();
        assert_eq!(names, columns(["title"], true));
        assert_eq!(columns(["title"], false), ["title"]);
        assert_eq!(
            file(Format::Csv, &names.iter().map(String::as_str).collect::<Vec<_>>(), &[row]),
            "_url,_final_url,_status,_fetched_at,title\r\nhttp://a.example/,http://a.example/b,200,2024-01-15T10:30:00Z,A\r\n"
        );
    }

    #[test]
    fn formats_have_their_names() {
        assert_eq!(serde_json::from_value::<Format>(json!("csv")).unwrap(), Format::Csv);
        assert_eq!((Format::Json.content_type(), Format::Json.extension()), ("application/json", "json"));
        assert_eq!((Format::Csv.content_type(), Format::Csv.extension()), ("text/csv; charset=utf-8", "csv"));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read_again(rows in proptest::collection::vec(("\\PC*", any::<i32>()), 0..5)) {
            let rows: Vec<_> = rows.into_iter().map(|(a, b)| row(json!({"a": a, "b": b}))).collect();
            let read: Vec<Row> = serde_json::from_str(&file(Format::Json, &["a", "b"], &rows)).unwrap();
            prop_assert_eq!(&read, &rows);

            let text = file(Format::Csv, &["a", "b"], &rows);
            let read: Vec<(String, String)> = csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), rows.len());
            for (read, row) in read.iter().zip(&rows) {
                let original = row["a"].as_str().unwrap();
                prop_assert_eq!(read.0.strip_prefix('\'').unwrap_or(&read.0), original.strip_prefix('\'').unwrap_or(original));
                prop_assert!(!read.0.starts_with(['=', '@']));
            }
        }
    }
}
