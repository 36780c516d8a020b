//! `/credentials/import`: many at once, as JSON lines or CSV. All lines are checked before any is added; the faults are told by line.

use ::input::schema::pattern;
use api::query::Parameters;
use api::scraper_credentials::{Administrator, Error, Text};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use credentials::{AdminError, Import, ImportError, ImportForm, Imported, LONGEST_PLATFORM};
use serde_json::json;

use crate::App;

/// The most faults that are told.
const FAULTS: usize = 50;

::input::parameters! {
    /// Where imported credentials belong.
    pub(crate) ImportQuery {
        query "platform" "The platform of all of them." => pattern(1, LONGEST_PLATFORM, "^[a-z0-9_-]+$"),
    }
}

/// `POST /credentials/import?platform=`: `application/x-ndjson` (or `application/jsonl`): an object a line, as for one credential;
/// `text/csv`: a header with `name`, and `email` and `password`, or any other columns, which then are the names in `credentials`.
#[utoipa::path(post, path = "/api/scraper-credentials/admin/credentials/import", tag = "Credential administration",
    params(ImportQuery),
    request_body(content(
        (String = "application/x-ndjson", example = json!("{\"name\":\"Account 1\",\"email\":\"a@example.com\",\"password\":\"secret123\"}\n")),
        (String = "text/csv", example = json!("name,email,password\nAccount 1,a@example.com,secret123\n")))),
    responses((status = 201, body = Imported)))]
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
    let form = match media_type.split(';').next().unwrap_or_default().trim() {
        "text/csv" => ImportForm::Csv,
        "application/x-ndjson" | "application/jsonl" | "application/json" => ImportForm::JsonLines,
        _ => return Err(Error::invalid("Content-Type must be application/x-ndjson or text/csv")),
    };
    let import = match Import::read(platform.secret, form, &text) {
        Ok(import) => import,
        Err(ImportError::Lines(mut faults)) => {
            let message = ImportError::Lines(faults.clone()).to_string();
            faults.truncate(FAULTS);
            let body = json!({"error": "Bad request", "message": message, "lines": faults});
            return Ok((StatusCode::BAD_REQUEST, Answer(body)).into_response());
        }
        Err(error) => return Err(refused(error)),
    };
    let imported = app.credentials.import(&platform, import, &admin.key_id, None).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Answer(imported)).into_response())
}

fn refused(error: ImportError) -> Error {
    match error {
        ImportError::Lines(_) | ImportError::TooMany | ImportError::Another => Error::invalid(error.to_string()),
        ImportError::Table(error) => error.into(),
        ImportError::Seal(error) => super::credentials::refused(AdminError::Seal(error)),
    }
}
