//! `/console/credentials/import`: many credentials at once.

use api::query::Parameters;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use credentials::{ImportError, ImportForm, LONGEST_PLATFORM, LineFault, Platform};
use maud::{Markup, html};
use table::new_id;
use uuid::Uuid;

use super::credentials::list_path;
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::gate::Form;
use crate::notice::Notice;
use crate::view::table::table;
use crate::view::text::shown;

/// The longest text, in characters: as much as a request holds.
const LONGEST: usize = 1_048_576;
/// How many faults are told.
const FAULTS: usize = 50;
/// What is said where it was interrupted.
const INTERRUPTED: Fault = Fault::Unfinished(
    "Some of the credentials may have been added. Go back with your browser's button and send the same form again: it goes on where it stopped, and adds none twice",
);

/// `GET /console/credentials/import`.
pub(crate) async fn ask(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let platforms = app.pools.platforms().await?;
    let chosen = parameters.text("platform", LONGEST_PLATFORM)?;
    Ok(frame.page(Section::Credentials, "Import credentials", &form(&frame, &platforms, chosen, &html! {})))
}

/// `POST /console/credentials/import`.
pub(crate) async fn import(
    State(app): State<App>,
    frame: Frame,
    Extension(sent): Extension<Form>,
) -> Result<Response, Fault> {
    let platform =
        sent.text("platform", LONGEST_PLATFORM)?.ok_or_else(|| Fault::Invalid("platform: is required".to_owned()))?;
    let as_what = match sent.text("form", 10)? {
        Some("csv") => ImportForm::Csv,
        Some("lines") => ImportForm::JsonLines,
        _ => return Err(Fault::Invalid("form: must be csv or lines".to_owned())),
    };
    let text = sent.text("text", LONGEST)?.ok_or_else(|| Fault::Invalid("text: is required".to_owned()))?;
    let id: Option<Uuid> = sent.text("id", 40)?.and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Fault::Invalid("id: is not that of a form".to_owned()))?;
    match app.pools.import(&frame.actor(), platform, as_what, text, Some(id)).await {
        Ok(Some(imported)) => {
            Ok(frame.done(&list_path(platform, None), Notice::counted("imported", imported.imported as u64)))
        }
        Ok(None) => Err(Fault::NotFound("There is no such platform")),
        // What was sent is not shown again: it is full of secrets.
        Err(ImportError::Lines(faults)) => {
            let platforms = app.pools.platforms().await?;
            let body = form(&frame, &platforms, Some(platform), &told(&faults));
            let mut response = frame.page(Section::Credentials, "Import credentials", &body);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Ok(response)
        }
        Err(error @ ImportError::TooMany) => Err(Fault::Invalid(error.to_string())),
        Err(ImportError::Another) => {
            let why = "This form was sent before, with other credentials. Load it anew for these";
            Err(Fault::Conflict(why.to_owned()))
        }
        Err(error @ (ImportError::Table(_) | ImportError::Seal(_))) => {
            tracing::error!(%error, "an import was interrupted");
            Err(INTERRUPTED)
        }
    }
}

fn told(faults: &[LineFault]) -> Markup {
    let row = |fault: &LineFault| vec![html! { (fault.line) }, html! { (shown(&fault.message)) }];
    let rows: Vec<_> = faults.iter().take(FAULTS).map(row).collect();
    html! {
        p.fault role="alert" { (faults.len()) " of the lines cannot be read. Nothing was imported." }
        (table("Lines that cannot be read", &["Line", "What is wrong"], &rows, ""))
    }
}

fn form(frame: &Frame, platforms: &[Platform], chosen: Option<&str>, before: &Markup) -> Markup {
    let fields = html! {
        // What is sent again is known by it.
        input type="hidden" name="id" value=(new_id(frame.now));
        label for="platform" { "Platform" }
        select #platform name="platform" required {
            @for platform in platforms {
                option value=(platform.name) selected[chosen == Some(platform.name.as_str())] { (shown(&platform.name)) }
            }
        }
        label for="form" { "Written as" }
        select #form name="form" {
            option value="csv" { "CSV, with a header: name,email,password" }
            option value="lines" { "JSON lines: an object a line" }
        }
        div hidden {
            label for="file" { "From a file" }
            input #file type="file" accept=".csv,.jsonl,.ndjson,text/csv" data-into="text";
        }
        label for="text" { "Credentials" }
        textarea #text name="text" required spellcheck="false" autocomplete="off" {}
        p.hint { "Up to 2,000 at once. All lines are read before any is added." }
        div.actions { button.primary { "Import" } a.button href=(frame.to("/credentials")) { "Back" } }
    };
    html! {
        p.crumbs { a href=(frame.to("/credentials")) { "Credentials" } }
        h1 { "Import credentials" }
        (before)
        (frame.form("/credentials/import", &fields))
    }
}
