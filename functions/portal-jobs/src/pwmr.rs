//! `/pwmr`: the other way in to jobs of the plastic waste portal.

use api::portal::{Body, Error, JobId, User};
use api::query::Parameters;
use axum::Json as Answer;
use axum::extract::State;
use input::Fault;
use portals::{LONGEST_EMAIL, Portal};
use serde_json::Value as Json;

use crate::App;
use crate::document::{JobPath, PageQuery, ScrapeBody};
use crate::queue::{Page, missing};
use crate::view::{JobView, QueuedView};

/// `POST /pwmr/scrape`: reads the plastic waste portal with the account of this address.
#[utoipa::path(post, path = "/pwmr/scrape", tag = "Portal jobs", request_body = ScrapeBody,
    responses((status = 200, body = QueuedView), (status = 404, description = "No account of this address at this portal")))]
pub(crate) async fn scrape(State(app): State<App>, user: User, Body(body): Body) -> Result<Answer<QueuedView>, Error> {
    let job = app.start(&user, Portal::Pwmr, email(&body)?).await?;
    Ok(Answer(QueuedView::of(&job)))
}

fn email(body: &Json) -> Result<&str, Error> {
    let email = body.get("email").filter(|email| !email.is_null()).ok_or_else(|| Fault::new("email", "is required"))?;
    let email = email.as_str().ok_or_else(|| Fault::new("email", "must be a text"))?;
    // What no address can be is nobody's.
    let is_plausible = !email.contains('\0') && email.chars().count() <= LONGEST_EMAIL;
    if is_plausible { Ok(email) } else { Err(Error::invalid_email()) }
}

/// `GET /pwmr/jobs?limit=&cursor=`: the caller's jobs of the plastic waste portal, the newest first. Where there are more, the header `Link` says where
/// they are.
#[utoipa::path(get, path = "/pwmr/jobs", tag = "Portal jobs", params(PageQuery), responses((status = 200, body = Vec<JobView>)))]
pub(crate) async fn list(State(app): State<App>, user: User, given: Parameters) -> Result<Page, Error> {
    app.page(&user, Some(Portal::Pwmr), &given).await
}

/// `GET /pwmr/status/{job_id}`: one job of the plastic waste portal.
#[utoipa::path(get, path = "/pwmr/status/{job_id}", tag = "Portal jobs", params(JobPath), responses((status = 200, body = JobView)))]
pub(crate) async fn show(State(app): State<App>, user: User, JobId(id): JobId) -> Result<Answer<JobView>, Error> {
    let job = app.jobs.get(&user.0.tenant, id).await?.filter(|job| job.portal == Portal::Pwmr).ok_or_else(missing)?;
    Ok(Answer(JobView::of(&job)))
}
