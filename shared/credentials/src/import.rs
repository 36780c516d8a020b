//! Many credentials at once, as JSON lines or CSV. All lines are read before any is added; the faults are told by line.

use secrets::SealError;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use table::TableError;
use thiserror::Error;
use utoipa::ToSchema;

use crate::admin::{AdminError, NewCredential};
use crate::credential::SecretShape;
use crate::platform::Platform;
use crate::store::Credentials;

/// The most lines of one import.
pub const MOST_LINES: usize = 2_000;

/// How the lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportForm {
    /// An object a line, as for one credential.
    JsonLines,
    /// A header with `name`, and `email` and `password`, or any other columns, which then are the names in `credentials`.
    Csv,
}

/// Credentials that are to be added.
pub struct Import(Vec<NewCredential>);

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportDone, example = json!({"imported": 2, "first_id": 41, "last_id": 42}))]
pub struct Imported {
    /// How many.
    pub imported: usize,
    /// The number of the first of them.
    pub first_id: Option<u64>,
    /// The number of the last of them.
    pub last_id: Option<u64>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it; no secret is repeated.
    pub message: String,
}

/// Why nothing, or not all, was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Lines cannot be read: nothing was imported.
    #[error("{} of the lines cannot be read; nothing was imported", .0.len())]
    Lines(Vec<LineFault>),
    /// There are too many lines: nothing was imported.
    #[error("An import has at most {MOST_LINES} lines; send the rest in another")]
    TooMany,
    /// It was sent before, with other credentials: nothing was imported.
    #[error("This import was sent before, with other credentials")]
    Another,
    /// The table failed: the first of them may have been added.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A secret could not be sealed: the first of them may have been added.
    #[error(transparent)]
    Seal(#[from] SealError),
}

type Lines = Vec<(usize, Result<Json, String>)>;

impl Import {
    /// Reads all lines of a text, for a platform whose secrets have this shape.
    pub fn read(shape: SecretShape, form: ImportForm, text: &str) -> Result<Self, ImportError> {
        let lines = match form {
            ImportForm::Csv => csv_lines(shape, text),
            ImportForm::JsonLines => json_lines(text),
        };
        if lines.len() > MOST_LINES {
            return Err(ImportError::TooMany);
        }
        let (mut credentials, mut faults) = (Vec::new(), Vec::new());
        for (line, given) in lines {
            let read = |given: Json| NewCredential::read(shape, &given).map_err(|error| error.to_string());
            match given.and_then(read) {
                Ok(credential) => credentials.push(credential),
                Err(message) => faults.push(LineFault { line, message }),
            }
        }
        if faults.is_empty() { Ok(Self(credentials)) } else { Err(ImportError::Lines(faults)) }
    }
}

impl Credentials {
    /// Adds what was read for a platform. It is added in transactions of nine: where one fails, those before it are there. What has an `id` of its own
    /// may then be sent again: it goes on where it stopped.
    pub async fn import(
        &self,
        platform: &Platform,
        import: Import,
        by: &str,
        id: Option<&str>,
    ) -> Result<Imported, ImportError> {
        let added = match id {
            Some(id) => self.add_once(platform, import.0, by, id).await,
            None => self.add(platform, import.0, by).await,
        };
        let ids = added.map_err(|error| match error {
            AdminError::Seal(error) => ImportError::Seal(error),
            AdminError::Table(error) => ImportError::Table(error),
            AdminError::NotNow(_) => ImportError::Another,
            AdminError::Missing | AdminError::Cursor => ImportError::Table(TableError::Broken(error.to_string())),
        })?;
        Ok(Imported { imported: ids.len(), first_id: ids.first().copied(), last_id: ids.last().copied() })
    }
}

fn json_lines(text: &str) -> Lines {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .take(MOST_LINES + 1)
        .map(|(number, line)| (number, serde_json::from_str(line).map_err(|error| error.to_string())))
        .collect()
}

fn csv_lines(shape: SecretShape, text: &str) -> Lines {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(columns) => columns.clone(),
        Err(error) => return vec![(1, Err(error.to_string()))],
    };
    if !text.trim().is_empty() && !columns.iter().any(|column| column == "name") {
        return vec![(1, Err("the header has no column that is called name".to_owned()))];
    }
    let read = |record: csv::StringRecord| {
        let values = columns.iter().map(str::to_owned).zip(record.iter().map(Json::from));
        let mut line: Map<String, Json> = values.collect();
        if shape == SecretShape::Credentials {
            let name = line.remove("name").unwrap_or(Json::Null);
            return json!({"name": name, "credentials": line});
        }
        Json::Object(line)
    };
    reader
        .records()
        .take(MOST_LINES + 1)
        .zip(2..)
        .map(|(record, number)| (number, record.map(read).map_err(|error| error.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_columns_become_fields_or_credentials() {
        let read =
            |shape, text: &str| csv_lines(shape, text).into_iter().map(|(_, line)| line.unwrap()).collect::<Vec<_>>();
        assert_eq!(
            read(SecretShape::EmailPassword, "name,email,password\nOne,a@example.com,\"p,1\"\n"),
            [json!({"name": "One", "email": "a@example.com", "password": "p,1"})]
        );
        assert_eq!(
            read(SecretShape::Credentials, "name,cookie,csrf\nOne,c=1,x\n"),
            [json!({"name": "One", "credentials": {"cookie": "c=1", "csrf": "x"}})]
        );
    }

    #[test]
    fn a_broken_line_is_told_by_its_number_and_without_its_secret() {
        for (form, text, wrong) in [
            (ImportForm::JsonLines, "{\"name\": \"One\"}\n\n{oops\n", vec![1, 3]),
            (ImportForm::Csv, "name,email,password\na,b\n", vec![2]),
            (ImportForm::Csv, "email,password\na@example.com,s3cret\n", vec![1]),
            (ImportForm::JsonLines, "{\"name\":\"One\",\"email\":\"a@example.com\",\"password\":\"s3cret\"}\n", vec![]),
            (ImportForm::JsonLines, "{\"name\":7,\"email\":\"a@example.com\",\"password\":\"s3cret\"}\n", vec![1]),
        ] {
            let faults = match Import::read(SecretShape::EmailPassword, form, text) {
                Ok(_) => Vec::new(),
                Err(ImportError::Lines(faults)) => faults,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), wrong, "{text}");
            assert!(faults.iter().all(|fault| !fault.message.contains("s3cret")), "{faults:?}");
        }
    }

    #[test]
    fn an_import_has_a_bound() {
        let text = "{}\n".repeat(MOST_LINES + 1);
        let read = Import::read(SecretShape::EmailPassword, ImportForm::JsonLines, &text);
        assert!(matches!(read, Err(ImportError::TooMany)));
    }
}
