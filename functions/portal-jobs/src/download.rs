//! `/cpcb/queue/job/{job_id}/download`.

use api::portal::{Error, JobId, User};
use api::query::Parameters;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use input::Fault;

use crate::App;
use crate::document::{DownloadQuery, JobPath};
use crate::queue::missing;

/// The forms that results have.
pub(crate) const FORMS: [&str; 2] = ["csv", "xlsx"];
/// The longest name of a form that is read, in characters.
const LONGEST_FORM: usize = 10;

/// `GET /cpcb/queue/job/{job_id}/download?format=`: the way to a file of a job's result. It is the object store's, good for five minutes, and wants no token.
#[utoipa::path(get, path = "/cpcb/queue/job/{job_id}/download", tag = "Portal jobs", params(JobPath, DownloadQuery),
    responses((status = 302, description = "The file is at this address for some minutes", headers(
        ("Location" = String, description = "Where the file is")))))]
pub(crate) async fn download(
    State(app): State<App>,
    user: User,
    JobId(id): JobId,
    given: Parameters,
) -> Result<Response, Error> {
    let form = given.text("format", LONGEST_FORM)?.unwrap_or(FORMS[0]);
    if !FORMS.contains(&form) {
        return Err(Fault::new("format", "must be csv or xlsx").into());
    }
    let job = app.jobs.get(&user.0.tenant, id).await?.ok_or_else(missing)?;
    let file = job.files.iter().find(|file| file.form() == form);
    let file = file.ok_or_else(|| Error::not_found("The job has no such file (yet)"))?;
    let address = app.results.address(&file.key, &file.name).await.map_err(|error| {
        tracing::error!(%error, "no address was made for a file");
        Error::internal()
    })?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}
