//! `/jobs` and `/jobs/{job_id}`.

use api::query::Parameters;
use api::video::{Body, Error, Id, Tenant};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use videos::{CancelError, DeleteError, InputError, ListError, Order};

use crate::document::{JobPath, JobQuery, NewVideoJob, PageQuery};
use crate::view::{JobDetails, JobView};
use crate::{App, query};

/// `POST /jobs`: a new job.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "Video jobs", request_body = NewVideoJob,
    responses((status = 201, body = JobView), (status = 400)))]
pub(crate) async fn create(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Body(body): Body,
) -> Result<(StatusCode, Answer<JobView>), Error> {
    let order = Order::read(&body).map_err(|error| match error {
        InputError::Invalid(faults) => Error::body(faults),
        InputError::Impossible(why) => Error::bad_request(why),
    })?;
    let job = app.jobs.create(&tenant, order).await?;
    Ok((StatusCode::CREATED, Answer(JobView::of(&job))))
}

/// `GET /jobs?status=&limit=&offset=`: the caller's jobs, the newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "Video jobs", params(JobQuery, PageQuery),
    responses((status = 200, body = Vec<JobView>), (status = 400)))]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    given: Parameters,
) -> Result<Answer<Vec<JobView>>, Error> {
    let (page, status) = (query::page(&given)?, query::job_status(&given)?);
    let jobs = app.jobs.list(&tenant, status, page.limit, page.offset).await.map_err(too_far)?;
    Ok(Answer(jobs.iter().map(JobView::of).collect()))
}

/// `GET /jobs/{job_id}`: one job, its videos, and where they are in Google Drive.
#[utoipa::path(get, path = "/api/v1/jobs/{job_id}", tag = "Video jobs", params(JobPath),
    responses((status = 200, body = JobDetails)))]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Id(id): Id,
) -> Result<Answer<JobDetails>, Error> {
    let job = app.jobs.get(&tenant, id).await?.ok_or_else(missing)?;
    let videos = app.jobs.videos_of(&job.job).await?;
    Ok(Answer(JobDetails::of(&job, &videos)))
}

/// `POST /jobs/{job_id}/cancel`: ends a job that has not ended.
#[utoipa::path(post, path = "/api/v1/jobs/{job_id}/cancel", tag = "Video jobs", params(JobPath),
    responses((status = 200, body = JobView), (status = 400)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Id(id): Id,
) -> Result<Answer<JobView>, Error> {
    let job = app.jobs.cancel(&tenant, id).await.map_err(|error| match error {
        CancelError::Missing => missing(),
        CancelError::Ended => Error::bad_request("The job has ended, and cannot be cancelled"),
        CancelError::Table(error) => error.into(),
    })?;
    Ok(Answer(JobView::of(&job)))
}

/// `DELETE /jobs/{job_id}`: deletes a job with the records of its videos; one that has not ended is cancelled.
#[utoipa::path(delete, path = "/api/v1/jobs/{job_id}", tag = "Video jobs", params(JobPath),
    responses((status = 204), (status = 400)))]
pub(crate) async fn delete(State(app): State<App>, Tenant(tenant): Tenant, Id(id): Id) -> Result<StatusCode, Error> {
    app.jobs.delete(&tenant, id).await.map_err(|error| match error {
        DeleteError::Missing => missing(),
        DeleteError::NotEnded => Error::bad_request(error.to_string()),
        DeleteError::Table(error) => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> Error {
    Error::not_found("Job not found")
}

/// What is told of a page that too much would have to be read for.
pub(crate) fn too_far(error: ListError) -> Error {
    match error {
        ListError::TooFar => Error::bad_request(error.to_string()),
        ListError::Table(error) => error.into(),
    }
}
