//! The one result of a task in bulk, written piece by piece: all rows in one file, or a file for each page in a ZIP.

use std::io::{self, Write};

use extract::ResultForm;
use scraping::{Format, RowWriter};
use serde::Serialize;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::piece::Piece;

/// A result that is being written. Pieces come in the order of their pages.
pub(crate) enum Together<W: Write + Send> {
    Rows { file: RowWriter<W>, rows: u64 },
    PageFiles(Box<PageFiles<W>>),
}

/// A result that is whole.
pub(crate) struct Written {
    pub(crate) rows: u64,
    /// What its owner should know of it.
    pub(crate) notes: Vec<String>,
}

/// A file for each page, called by the page's place in the task: `0001.json`. No more than one is in memory. Pages that could not be had are in `failures.json`.
pub(crate) struct PageFiles<W: Write + Send> {
    zip: ZipWriter<StreamWriter<W>>,
    format: Format,
    columns: Vec<String>,
    /// The page that the last piece was of, and its file.
    page: Option<(usize, RowWriter<Vec<u8>>)>,
    failures: Vec<(usize, String)>,
    written: Written,
}

/// An entry of `failures.json`.
#[derive(Serialize)]
struct Failure<'a> {
    /// The page's place in the task, from 1, as in the files' names.
    page: usize,
    url: &'a str,
    error: &'a str,
}

impl<W: Write + Send> Together<W> {
    /// Begins a result of these columns.
    pub(crate) fn new(form: ResultForm, columns: Vec<String>, file: W) -> io::Result<Self> {
        Ok(match form {
            ResultForm::Rows(format) => Self::Rows { file: RowWriter::new(format, columns, file)?, rows: 0 },
            ResultForm::PageFiles(format) => Self::PageFiles(Box::new(PageFiles {
                zip: ZipWriter::new_stream(file),
                format,
                columns,
                page: None,
                failures: Vec::new(),
                written: Written { rows: 0, notes: Vec::new() },
            })),
        })
    }

    pub(crate) fn write(&mut self, piece: Piece) -> io::Result<()> {
        match self {
            Self::PageFiles(files) => files.write(piece),
            Self::Rows { file, rows } => {
                let Some(row) = piece.row else { return Ok(()) };
                *rows += 1;
                file.write(&row)
            }
        }
    }

    /// Ends the result of a task of these pages.
    pub(crate) fn finish(self, urls: &[String]) -> io::Result<Written> {
        match self {
            Self::PageFiles(files) => files.finish(urls),
            Self::Rows { file, rows } => Ok(Written { rows, notes: file.finish()?.notes }),
        }
    }
}

impl<W: Write + Send> PageFiles<W> {
    fn write(&mut self, piece: Piece) -> io::Result<()> {
        if let Some(failure) = piece.failure {
            self.failures.push((piece.page, failure));
            return Ok(());
        }
        let mut file = match self.page.take() {
            Some((page, file)) if page == piece.page => file,
            before => {
                self.add(before)?;
                RowWriter::new(self.format, self.columns.clone(), Vec::new())?
            }
        };
        if let Some(row) = piece.row {
            self.written.rows += 1;
            file.write(&row)?;
        }
        self.page = Some((piece.page, file));
        Ok(())
    }

    /// Adds a page's file to the ZIP. A workbook is a ZIP itself.
    fn add(&mut self, page: Option<(usize, RowWriter<Vec<u8>>)>) -> io::Result<()> {
        let Some((page, file)) = page else { return Ok(()) };
        let file = file.finish()?;
        let (number, extension) = (page + 1, self.format.extension());
        let notes = file.notes.into_iter().map(|note| format!("Page {number}: {note}"));
        self.written.notes.extend(notes);
        let method = match self.format {
            Format::Xlsx => CompressionMethod::Stored,
            Format::Json | Format::Csv => CompressionMethod::Deflated,
        };
        self.zip
            .start_file(format!("{number:04}.{extension}"), SimpleFileOptions::default().compression_method(method))?;
        self.zip.write_all(&file.file)
    }

    fn finish(mut self, urls: &[String]) -> io::Result<Written> {
        let last = self.page.take();
        self.add(last)?;
        if !self.failures.is_empty() {
            let failures = self.failures.iter().map(|(page, error)| Failure {
                page: page + 1,
                url: urls.get(*page).map_or("", String::as_str),
                error,
            });
            let failures: Vec<_> = failures.collect();
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            self.zip.start_file("failures.json", options)?;
            serde_json::to_writer_pretty(&mut self.zip, &failures)?;
        }
        self.zip.finish()?;
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use scraping::export::Row;
    use serde_json::json;
    use zip::ZipArchive;

    use super::*;

    fn row(page: usize, title: &str) -> Piece {
        Piece::row(page, Row::from_iter([("t".to_owned(), title.into())]))
    }

    fn pieces() -> [Piece; 6] {
        let failure = Piece::failure(1, "it is gone".to_owned());
        [row(0, "a"), row(0, "b"), failure, Piece::nothing(2), row(3, "=1"), Piece::failure(4, "so is it".to_owned())]
    }

    fn urls() -> Vec<String> {
        (0..5).map(|page| format!("https://a.example/{page}")).collect()
    }

    fn file(form: ResultForm) -> (Vec<u8>, u64) {
        let mut file = Vec::new();
        let mut together = Together::new(form, vec!["t".to_owned()], &mut file).unwrap();
        pieces().into_iter().try_for_each(|piece| together.write(piece)).unwrap();
        let rows = together.finish(&urls()).unwrap().rows;
        (file, rows)
    }

    #[test]
    fn rows_of_all_pages_are_one_file_in_their_order() {
        let (json, rows) = file(ResultForm::Rows(Format::Json));
        let expected = "[\n  {\"t\":\"a\"},\n  {\"t\":\"b\"},\n  {\"t\":\"=1\"}\n]\n";
        assert_eq!((String::from_utf8(json).unwrap().as_str(), rows), (expected, 3));
    }

    #[test]
    fn each_page_has_a_file_and_those_that_failed_are_told() {
        let (bytes, rows) = file(ResultForm::PageFiles(Format::Csv));
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(text("0001.csv"), "t\r\na\r\nb\r\n");
        assert_eq!(text("0003.csv"), "t\r\n");
        assert_eq!(text("0004.csv"), "t\r\n'=1\r\n");
        let failures: serde_json::Value = serde_json::from_str(&text("failures.json")).unwrap();
        let expected = json!([
            {"page": 2, "url": "https://a.example/1", "error": "it is gone"},
            {"page": 5, "url": "https://a.example/4", "error": "so is it"},
        ]);
        assert_eq!((failures, rows, archive.len()), (expected, 3, 4));
    }

    #[test]
    fn a_page_without_failures_leaves_none_to_tell() {
        let mut bytes = Vec::new();
        let form = ResultForm::PageFiles(Format::Xlsx);
        let mut together = Together::new(form, vec!["t".to_owned()], &mut bytes).unwrap();
        together.write(row(0, "a")).unwrap();
        together.finish(&urls()).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 1);
        assert_eq!(archive.by_name("0001.xlsx").unwrap().compression(), CompressionMethod::Stored);
    }
}
