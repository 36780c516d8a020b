//! `/videos` and `/videos/{video_id}`.

use api::query::Parameters;
use api::video::{Error, Tenant, VideoId};
use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use videos::{DeleteError, RetryError};

use crate::document::{PageQuery, VideoPath, VideoQuery};
use crate::jobs::too_far;
use crate::view::{VideoPageView, VideoView};
use crate::{App, query};

/// `GET /videos?mode=&value=&author_username=&hashtag=&status=&limit=&offset=`: the caller's videos, those of the newest job first.
#[utoipa::path(get, path = "/api/v1/videos", tag = "Videos", params(VideoQuery, PageQuery),
    responses((status = 200, body = VideoPageView), (status = 400)))]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    given: Parameters,
) -> Result<Answer<VideoPageView>, Error> {
    let (page, filter) = (query::page(&given)?, query::filter(&given)?);
    let page = app.jobs.list_videos(&tenant, &filter, page.limit, page.offset).await.map_err(too_far)?;
    Ok(Answer(VideoPageView { total: page.total, videos: page.videos.iter().map(VideoView::of).collect() }))
}

/// `GET /videos/{video_id}`: one video.
#[utoipa::path(get, path = "/api/v1/videos/{video_id}", tag = "Videos", params(VideoPath),
    responses((status = 200, body = VideoView)))]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    VideoId(id): VideoId,
) -> Result<Answer<VideoView>, Error> {
    let video = app.jobs.video(&tenant, &id).await?.ok_or_else(missing)?;
    Ok(Answer(VideoView::of(&video)))
}

/// `POST /videos/{video_id}/retry`: fetches a video again that failed. A job that had ended runs again until it has.
#[utoipa::path(post, path = "/api/v1/videos/{video_id}/retry", tag = "Videos", params(VideoPath),
    responses((status = 200, body = VideoView), (status = 400)))]
pub(crate) async fn retry(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    VideoId(id): VideoId,
) -> Result<Answer<VideoView>, Error> {
    let video = app.jobs.retry(&tenant, &id).await.map_err(|error| match error {
        RetryError::Missing => missing(),
        RetryError::NotFailed => Error::bad_request("Only a failed video can be retried"),
        RetryError::NotWanted => Error::bad_request("The video's job was cancelled"),
        RetryError::Ending => Error::bad_request("The video's job is just ending; try again in a moment"),
        RetryError::Table(error) => error.into(),
    })?;
    Ok(Answer(VideoView::of(&video)))
}

/// `DELETE /videos/{video_id}`: deletes the record of a video; what is stored of it stays.
#[utoipa::path(delete, path = "/api/v1/videos/{video_id}", tag = "Videos", params(VideoPath),
    responses((status = 204), (status = 400)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Tenant(tenant): Tenant,
    VideoId(id): VideoId,
) -> Result<StatusCode, Error> {
    app.jobs.delete_video(&tenant, &id).await.map_err(|error| match error {
        DeleteError::Missing => missing(),
        DeleteError::NotEnded => Error::bad_request("The video is still being fetched; cancel its job first"),
        DeleteError::Table(error) => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> Error {
    Error::not_found("Video not found")
}
