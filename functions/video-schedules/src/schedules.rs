//! `/scheduled-jobs` and `/scheduled-jobs/{job_id}`.

use api::query::Parameters;
use api::video::{Body, Error, Id, Tenant};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use videos::{InputError, NewSchedule, ScheduleChange, ScheduleError};

use crate::App;
use crate::document::{NewVideoSchedule, SchedulePath, ScheduleQuery, VideoScheduleChange};
use crate::view::ScheduleView;

/// `POST /scheduled-jobs`: a new schedule.
#[utoipa::path(post, path = "/api/v1/scheduled-jobs", tag = "Video schedules", request_body = NewVideoSchedule,
    responses((status = 201, body = ScheduleView), (status = 400)))]
pub(crate) async fn create(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Body(body): Body,
) -> Result<(StatusCode, Answer<ScheduleView>), Error> {
    let new = NewSchedule::read(&body).map_err(wrong)?;
    let schedule = app.schedules.create(&tenant, new).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Answer(schedule.into())))
}

/// `GET /scheduled-jobs?enabled=`: the caller's schedules, the newest first.
#[utoipa::path(get, path = "/api/v1/scheduled-jobs", tag = "Video schedules", params(ScheduleQuery),
    responses((status = 200, body = Vec<ScheduleView>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    given: Parameters,
) -> Result<Answer<Vec<ScheduleView>>, Error> {
    let enabled = given.flag("enabled").map_err(Error::query)?;
    let schedules = app.schedules.list(&tenant, enabled).await?;
    Ok(Answer(schedules.into_iter().map(ScheduleView::from).collect()))
}

/// `GET /scheduled-jobs/{job_id}`: one schedule.
#[utoipa::path(get, path = "/api/v1/scheduled-jobs/{job_id}", tag = "Video schedules", params(SchedulePath),
    responses((status = 200, body = ScheduleView)))]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Id(id): Id,
) -> Result<Answer<ScheduleView>, Error> {
    let schedule = app.schedules.get(&tenant, id).await?.ok_or_else(missing)?;
    Ok(Answer(schedule.into()))
}

/// `PATCH /scheduled-jobs/{job_id}`: changes any of its fields. Another interval counts from now on.
#[utoipa::path(patch, path = "/api/v1/scheduled-jobs/{job_id}", tag = "Video schedules", params(SchedulePath), request_body = Option<VideoScheduleChange>,
    responses((status = 200, body = ScheduleView)))]
pub(crate) async fn change(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Id(id): Id,
    Body(body): Body,
) -> Result<Answer<ScheduleView>, Error> {
    let change = ScheduleChange::read(&body).map_err(wrong)?;
    let schedule = app.schedules.change(&tenant, id, |_| change.clone()).await.map_err(refused)?;
    Ok(Answer(schedule.into()))
}

/// `POST /scheduled-jobs/{job_id}/toggle`: disables one that is enabled, and the other way round.
#[utoipa::path(post, path = "/api/v1/scheduled-jobs/{job_id}/toggle", tag = "Video schedules", params(SchedulePath),
    responses((status = 200, body = ScheduleView)))]
pub(crate) async fn toggle(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    Id(id): Id,
) -> Result<Answer<ScheduleView>, Error> {
    let toggle =
        |schedule: &videos::Schedule| ScheduleChange { enabled: Some(!schedule.enabled), ..ScheduleChange::default() };
    let schedule = app.schedules.change(&tenant, id, toggle).await.map_err(refused)?;
    Ok(Answer(schedule.into()))
}

/// `DELETE /scheduled-jobs/{job_id}`: deletes a schedule. A run that is going goes on.
#[utoipa::path(delete, path = "/api/v1/scheduled-jobs/{job_id}", tag = "Video schedules", params(SchedulePath),
    responses((status = 204)))]
pub(crate) async fn delete(State(app): State<App>, Tenant(tenant): Tenant, Id(id): Id) -> Result<StatusCode, Error> {
    app.schedules.delete(&tenant, id).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> Error {
    Error::not_found("Scheduled job not found")
}

fn wrong(error: InputError) -> Error {
    match error {
        InputError::Invalid(faults) => Error::body(faults),
        InputError::Impossible(why) => Error::bad_request(why),
    }
}

fn refused(error: ScheduleError) -> Error {
    match error {
        ScheduleError::Missing => missing(),
        ScheduleError::TooMany => Error::bad_request(error.to_string()),
        ScheduleError::Table(error) => error.into(),
    }
}
