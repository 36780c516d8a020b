//! A workbook's sheets, in constant memory. Text is written as text: no cell is a formula, a link or a date.

use std::borrow::Cow;
use std::io::{self, Write};

use rust_xlsxwriter::{Format as CellFormat, Workbook, Worksheet, XlsxError};
use serde_json::{Number, Value};

use super::{Row, begins_like_formula};

/// The most rows of a sheet, the header's among them (the form's limit).
const MOST_ROWS: u32 = 1_048_576;
/// The longest text of a cell, in UTF-16 units (the form's limit).
pub const LONGEST_TEXT: usize = 32_767;
/// Up to here every whole number is one of the form's, which are all floating.
const LARGEST_WHOLE: u64 = 1 << 53;
/// What a cell takes in the temporary file besides its text, in bytes, roughly.
const CELL_OVERHEAD: usize = 64;
/// The most bytes of all sheets' temporary files, roughly: what the disk of a function holds with ease.
const MOST_BYTES: usize = 400 * 1024 * 1024;

/// The sheets of a workbook that is being written.
pub(super) struct Sheets {
    workbook: Workbook,
    header: Vec<String>,
    most_rows: u32,
    quoted: CellFormat,
    /// How many rows of the last sheet are written, the header's among them.
    rows: u32,
    /// How many sheets were begun.
    begun: usize,
    cut: u64,
    bytes: usize,
}

impl Sheets {
    /// Sheets of these columns, with the first begun.
    pub(super) fn new(columns: &[String]) -> io::Result<Self> {
        Self::with_rows(columns, MOST_ROWS)
    }

    fn with_rows(columns: &[String], most_rows: u32) -> io::Result<Self> {
        let mut workbook = Workbook::new();
        workbook.use_zip_large_file(true);
        let quoted = CellFormat::new().set_quote_prefix();
        let mut sheets =
            Self { workbook, header: columns.to_vec(), most_rows, quoted, rows: 0, begun: 0, cut: 0, bytes: 0 };
        sheets.begin_sheet()?;
        Ok(sheets)
    }

    /// Writes a row; on a further sheet, when one is full.
    pub(super) fn write(&mut self, columns: &[String], row: &Row) -> io::Result<()> {
        if self.rows == self.most_rows {
            self.begin_sheet()?;
        }
        let values: Vec<_> = columns.iter().map(|column| row.get(column).unwrap_or(&Value::Null)).collect();
        self.write_row(values.into_iter())
    }

    /// Writes the workbook to `file`, and gives what its owner should know.
    pub(super) fn save(mut self, file: &mut (impl Write + Send)) -> io::Result<Vec<String>> {
        self.workbook.save_to_writer(file).map_err(failed)?;
        let mut notes = Vec::new();
        if self.cut > 0 {
            notes
                .push(format!("{} values were cut to {LONGEST_TEXT} characters, the most that a cell holds", self.cut));
        }
        if self.begun > 1 {
            notes.push(format!("The rows are on {} sheets: one holds {} at most", self.begun, self.most_rows));
        }
        Ok(notes)
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        self.begun += 1;
        self.rows = 0;
        let header: Vec<_> = self.header.iter().cloned().map(Value::String).collect();
        self.write_row(header.iter())
    }

    fn write_row<'value>(&mut self, values: impl Iterator<Item = &'value Value>) -> io::Result<()> {
        let sheet = self.workbook.worksheet_from_index(self.begun - 1).map_err(failed)?;
        for (column, value) in (0..).zip(values) {
            let place = (self.rows, column);
            match value {
                Value::Null => continue,
                Value::Bool(is) => sheet.write_boolean(place.0, place.1, *is).map(|_| ()),
                Value::Number(number) => match exact(number) {
                    Some(number) => sheet.write_number(place.0, place.1, number).map(|_| ()),
                    None => text(sheet, &self.quoted, place, &number.to_string()),
                },
                other => {
                    let long = match other {
                        Value::String(long) => Cow::from(long),
                        list => Cow::from(list.to_string()),
                    };
                    let (kept, is_cut) = shortened(&long);
                    self.cut += u64::from(is_cut);
                    self.bytes += kept.len();
                    text(sheet, &self.quoted, place, kept)
                }
            }
            .map_err(failed)?;
            self.bytes += CELL_OVERHEAD;
        }
        self.rows += 1;
        if self.bytes > MOST_BYTES {
            let reason =
                "The result is too large for XLSX: take fewer pages or fields, or the output format csv or json";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        Ok(())
    }
}

/// Writes a text, which stays one. What begins like a formula is marked as quoted besides: it stays text also when its cell is edited.
fn text(sheet: &mut Worksheet, quoted: &CellFormat, place: (u32, u16), text: &str) -> Result<(), XlsxError> {
    if begins_like_formula(text) {
        sheet.write_string_with_format(place.0, place.1, text, quoted)?;
    } else {
        sheet.write_string(place.0, place.1, text)?;
    }
    Ok(())
}

/// The number as the form has it, if it can hold it exactly.
fn exact(number: &Number) -> Option<f64> {
    let is_small = number.as_i64().is_none_or(|whole| whole.unsigned_abs() <= LARGEST_WHOLE)
        && number.as_u64().is_none_or(|whole| whole <= LARGEST_WHOLE);
    if is_small { number.as_f64() } else { None }
}

/// As much of a text as a cell holds, and whether that is less than all.
fn shortened(text: &str) -> (&str, bool) {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > LONGEST_TEXT {
            return (&text[..at], true);
        }
    }
    (text, false)
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err wants it")]
fn failed(error: XlsxError) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        match value {
            Value::Object(row) => row,
            other => panic!("{other}"),
        }
    }

    fn workbook(columns: &[&str], rows: &[Row], most_rows: u32) -> (Xlsx<Cursor<Vec<u8>>>, Vec<String>) {
        let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
        let mut sheets = Sheets::with_rows(&columns, most_rows).unwrap();
        for row in rows {
            sheets.write(&columns, row).unwrap();
        }
        let mut file = Vec::new();
        let notes = sheets.save(&mut file).unwrap();
        (Xlsx::new(Cursor::new(file)).unwrap(), notes)
    }

    fn cells(book: &mut Xlsx<Cursor<Vec<u8>>>, sheet: &str) -> Vec<Vec<Data>> {
        book.worksheet_range(sheet).unwrap().rows().map(<[Data]>::to_vec).collect()
    }

    #[test]
    fn cells_keep_their_types_as_another_implementation_reads_them() {
        let rows = [
            row(json!({"text": "Ü \"q\" <&>\n\u{1f600}", "number": 1.5, "whole": -3, "yes": true, "list": ["x", 1]})),
            row(json!({"text": "  spaces  ", "number": 0.1, "whole": 9_007_199_254_740_993_u64, "yes": false})),
            row(json!({"text": "_x0041_ \u{1}", "number": null})),
            row(json!({"text": "2024-01-15", "number": 12_345_678.123_456_78})),
        ];
        let (mut book, notes) = workbook(&["text", "number", "whole", "yes", "list"], &rows, MOST_ROWS);
        assert_eq!(notes, [""; 0]);
        let text = |text: &str| Data::String(text.to_owned());
        let expected = [
            vec![text("text"), text("number"), text("whole"), text("yes"), text("list")],
            vec![
                text("Ü \"q\" <&>\n\u{1f600}"),
                Data::Float(1.5),
                Data::Float(-3.0),
                Data::Bool(true),
                text("[\"x\",1]"),
            ],
            vec![text("  spaces  "), Data::Float(0.1), text("9007199254740993"), Data::Bool(false), Data::Empty],
            vec![text("_x0041_ \u{1}"), Data::Empty, Data::Empty, Data::Empty, Data::Empty],
            vec![text("2024-01-15"), Data::Float(12_345_678.123_456_78), Data::Empty, Data::Empty, Data::Empty],
        ];
        assert_eq!(cells(&mut book, "Sheet1"), expected);
    }

    #[test]
    fn nothing_is_a_formula_or_a_link() {
        let formulas = [
            "=1+1",
            "=HYPERLINK(\"http://evil.example\")",
            "@SUM(A1)",
            "+1-2",
            "-cmd",
            "\t=1",
            "{=A1}",
            "http://a.example/",
        ];
        let rows: Vec<_> = formulas.iter().map(|formula| row(json!({"=x": formula}))).collect();
        let (mut book, _) = workbook(&["=x"], &rows, MOST_ROWS);
        let read: Vec<_> = cells(&mut book, "Sheet1").into_iter().flatten().collect();
        let expected: Vec<_> = ["=x"].iter().chain(&formulas).map(|text| Data::String((*text).to_owned())).collect();
        assert_eq!(read, expected, "each is its text, unchanged");
        assert_eq!(book.worksheet_formula("Sheet1").unwrap().used_cells().count(), 0);
    }

    #[test]
    fn what_a_cell_cannot_hold_is_cut_and_told() {
        let long = "é".repeat(LONGEST_TEXT + 1);
        let pairs = "\u{1f600}".repeat(LONGEST_TEXT / 2 + 1);
        let (mut book, notes) = workbook(&["a", "b"], &[row(json!({"a": long, "b": pairs}))], MOST_ROWS);
        let cells = cells(&mut book, "Sheet1");
        let units = |cell: &Data| cell.to_string().encode_utf16().count();
        assert_eq!((units(&cells[1][0]), units(&cells[1][1])), (LONGEST_TEXT, LONGEST_TEXT - 1));
        assert_eq!(notes, ["2 values were cut to 32767 characters, the most that a cell holds"]);
    }

    #[test]
    fn rows_that_a_sheet_cannot_hold_are_on_the_next() {
        let rows: Vec<_> = (0..5).map(|n| row(json!({"n": n}))).collect();
        let (mut book, notes) = workbook(&["n"], &rows, 3);
        assert_eq!(book.sheet_names(), ["Sheet1", "Sheet2", "Sheet3"]);
        let sheets: [Vec<_>; 3] =
            ["Sheet1", "Sheet2", "Sheet3"].map(|sheet| cells(&mut book, sheet).into_iter().flatten().collect());
        let expected: [Vec<_>; 3] = [vec![0.0, 1.0], vec![2.0, 3.0], vec![4.0]]
            .map(|rows| [Data::String("n".to_owned())].into_iter().chain(rows.into_iter().map(Data::Float)).collect());
        assert_eq!(sheets, expected);
        assert_eq!(notes, ["The rows are on 3 sheets: one holds 3 at most"]);
    }

    #[test]
    fn a_workbook_that_a_disk_might_not_hold_is_refused() {
        let columns = ["a".to_owned()];
        let mut sheets = Sheets::new(&columns).unwrap();
        sheets.bytes = MOST_BYTES;
        let refused = sheets.write(&columns, &row(json!({"a": "x"})));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
