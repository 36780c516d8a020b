//! `/credentials/import`: many at once, as JSON lines or CSV. All lines are checked before any is added; the faults are told by line.

use ::input::schema::pattern;
use api::query::Parameters;
use api::scraper_credentials::{Administrator, Error, Text};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use credentials::LONGEST_PLATFORM;
use credentials::{NewCredential, SecretShape};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::credentials::{new, refused};
use crate::App;

/// The most lines of one import.
const MOST: usize = 2_000;
/// The most faults that are told.
const FAULTS: usize = 50;

::input::parameters! {
    /// Where imported credentials belong.
    pub(crate) ImportQuery {
        query "platform" "The platform of all of them." => pattern(1, LONGEST_PLATFORM, "^[a-z0-9_-]+$"),
    }
}

/// What was imported.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"imported": 2, "first_id": 41, "last_id": 42}))]
pub(crate) struct ImportDone {
    imported: usize,
    first_id: Option<u64>,
    last_id: Option<u64>,
}

/// `POST /credentials/import?platform=`: `application/x-ndjson` (or `application/jsonl`): an object a line, as for one credential;
/// `text/csv`: a header with `name`, and `email` and `password`, or any other columns, which then are the names in `credentials`.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/import", tag = "Credential administration",
    params(ImportQuery),
    request_body(content(
        (String = "application/x-ndjson", example = json!("{\"name\":\"Account 1\",\"email\":\"a@example.com\",\"password\":\"secret123\"}\n")),
        (String = "text/csv", example = json!("name,email,password\nAccount 1,a@example.com,secret123\n")))),
    responses((status = 201, body = ImportDone)))]
pub(crate) async fn import(
    State(app): State<App>,
    admin: Administrator,
    given: Parameters,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Error> {
    let name = given
        .text("platform", LONGEST_PLATFORM)?
        .ok_or_else(|| Error::invalid("platform is required, in the query"))?;
    let platform = app.credentials.platform(name).await?.ok_or_else(Error::invalid_platform)?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let lines = match media_type.split(';').next().unwrap_or_default().trim() {
        "text/csv" => csv_lines(platform.secret, &text),
        "application/x-ndjson" | "application/jsonl" | "application/json" => json_lines(&text),
        _ => return Err(Error::invalid("Content-Type must be application/x-ndjson or text/csv")),
    };
    if lines.len() > MOST {
        return Err(Error::invalid(format!("An import has at most {MOST} lines; send the rest in another")));
    }
    let (mut credentials, mut faults): (Vec<NewCredential>, Vec<Json>) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        match line.and_then(|line| new(platform.secret, &line).map_err(|error| error.message().to_owned())) {
            Ok(credential) => credentials.push(credential),
            Err(fault) => faults.push(json!({"line": number, "message": fault})),
        }
    }
    if !faults.is_empty() {
        let message = format!("{} of the lines cannot be read; nothing was imported", faults.len());
        faults.truncate(FAULTS);
        let body = json!({"error": "Bad request", "message": message, "lines": faults});
        return Ok((StatusCode::BAD_REQUEST, Answer(body)).into_response());
    }
    let ids = app.credentials.add(&platform, credentials, &admin.key_id).await.map_err(refused)?;
    let body = ImportDone { imported: ids.len(), first_id: ids.first().copied(), last_id: ids.last().copied() };
    Ok((StatusCode::CREATED, Answer(body)).into_response())
}

type Lines = Vec<(usize, Result<Json, String>)>;

fn json_lines(text: &str) -> Lines {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .take(MOST + 1)
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
        .take(MOST + 1)
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
    fn a_broken_line_is_told_by_its_number() {
        let lines = json_lines("{\"name\": \"One\"}\n\n{oops\n");
        assert_eq!(
            lines.iter().map(|(number, line)| (*number, line.is_ok())).collect::<Vec<_>>(),
            [(1, true), (3, false)]
        );
        let lines = csv_lines(SecretShape::EmailPassword, "name,email,password\na,b\n");
        assert_eq!((lines[0].0, lines[0].1.is_ok()), (2, false));
    }
}
