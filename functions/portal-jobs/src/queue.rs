//! `/cpcb`: jobs of all portals.

use api::portal::{Error, JobId, User};
use api::query::Parameters;
use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use input::Fault;
use portals::{LONGEST_EMAIL, Listing, Portal, PortalJob};

use crate::App;
use crate::document::{EmailQuery, JobPath, PageQuery};
use crate::view::{DeletedView, JobView, StartedView};

/// The most jobs of a page.
pub(crate) const LARGEST_PAGE: u64 = 500;
/// How many a page holds unless a caller says otherwise.
const USUAL_PAGE: u64 = 100;
/// The longest cursor that is read, in characters.
pub(crate) const LONGEST_CURSOR: usize = 200;

/// A page of jobs, with where the next one is in the header `Link` (RFC 8288).
pub(crate) type Page = (HeaderMap, Answer<Vec<JobView>>);

/// `POST /cpcb/pwmr?user_email=`: reads the plastic waste portal with the account of this address.
#[utoipa::path(post, path = "/cpcb/pwmr", tag = "Portal jobs", params(EmailQuery),
    responses((status = 200, body = StartedView), (status = 404, description = "No account of this address at this portal")))]
pub(crate) async fn start_pwmr(app: State<App>, user: User, given: Parameters) -> Result<Answer<StartedView>, Error> {
    start(app, &user, &given, Portal::Pwmr, "PWM Scraper Started!").await
}

/// `POST /cpcb/bwmr?user_email=`: reads the battery waste portal with the account of this address.
#[utoipa::path(post, path = "/cpcb/bwmr", tag = "Portal jobs", params(EmailQuery),
    responses((status = 200, body = StartedView), (status = 404, description = "No account of this address at this portal")))]
pub(crate) async fn start_bwmr(app: State<App>, user: User, given: Parameters) -> Result<Answer<StartedView>, Error> {
    start(app, &user, &given, Portal::Bwmr, "BWM Scraper Started!").await
}

/// `POST /cpcb/ewmr?user_email=`: reads the electronic waste portal with the account of this address.
#[utoipa::path(post, path = "/cpcb/ewmr", tag = "Portal jobs", params(EmailQuery),
    responses((status = 200, body = StartedView), (status = 404, description = "No account of this address at this portal")))]
pub(crate) async fn start_ewmr(app: State<App>, user: User, given: Parameters) -> Result<Answer<StartedView>, Error> {
    start(app, &user, &given, Portal::Ewmr, "EWM Scraper Started!").await
}

async fn start(
    State(app): State<App>,
    user: &User,
    given: &Parameters,
    portal: Portal,
    message: &'static str,
) -> Result<Answer<StartedView>, Error> {
    // What no address can be is nobody's.
    let email = given.text("user_email", LONGEST_EMAIL).map_err(|_| Error::invalid_email())?;
    let email = email.ok_or_else(|| Fault::new("user_email", "is required"))?;
    let job = app.start(user, portal, email).await?;
    Ok(Answer(StartedView { message, job_id: job.id }))
}

/// `GET /cpcb/queue?limit=&cursor=`: the caller's jobs, the newest first. Where there are more, the header `Link` says where they are.
#[utoipa::path(get, path = "/cpcb/queue", tag = "Portal jobs", params(PageQuery), responses((status = 200, body = Vec<JobView>)))]
pub(crate) async fn list(State(app): State<App>, user: User, given: Parameters) -> Result<Page, Error> {
    app.page(&user, None, &given).await
}

/// `GET /cpcb/queue/job/{job_id}`: one job.
#[utoipa::path(get, path = "/cpcb/queue/job/{job_id}", tag = "Portal jobs", params(JobPath), responses((status = 200, body = JobView)))]
pub(crate) async fn show(State(app): State<App>, user: User, JobId(id): JobId) -> Result<Answer<JobView>, Error> {
    let job = app.jobs.get(&user.0.tenant, id).await?.ok_or_else(missing)?;
    Ok(Answer(JobView::of(&job)))
}

/// `DELETE /cpcb/queue/job/{job_id}`: deletes a job and its files; one that is running is cancelled.
#[utoipa::path(delete, path = "/cpcb/queue/job/{job_id}", tag = "Portal jobs", params(JobPath), responses((status = 200, body = DeletedView)))]
pub(crate) async fn delete(State(app): State<App>, user: User, JobId(id): JobId) -> Result<Answer<DeletedView>, Error> {
    let was_there = app.jobs.delete(&user.0.tenant, id, &app.results).await?;
    if was_there { Ok(Answer(DeletedView::DONE)) } else { Err(missing()) }
}

impl App {
    /// A new job of the caller's with the account of an address.
    pub(crate) async fn start(&self, user: &User, portal: Portal, email: &str) -> Result<PortalJob, Error> {
        let account = self.accounts.find(&user.0.tenant, portal, email).await?.ok_or_else(Error::invalid_email)?;
        Ok(self.jobs.create(&account).await?)
    }

    /// A page of the caller's jobs, of one portal if any.
    pub(crate) async fn page(&self, user: &User, portal: Option<Portal>, given: &Parameters) -> Result<Page, Error> {
        let limit = given.number("limit", 1, LARGEST_PAGE)?.unwrap_or(USUAL_PAGE);
        let after = given.text("cursor", LONGEST_CURSOR)?;
        let limit_of_page = u32::try_from(limit).unwrap_or(1);
        let listing = self.jobs.list(&user.0.tenant, portal, limit_of_page, after).await?;
        let Listing { items, next } = listing.ok_or_else(|| Fault::new("cursor", "must be one of this list"))?;
        let link =
            next.and_then(|next| HeaderValue::from_str(&format!("<?limit={limit}&cursor={next}>; rel=\"next\"")).ok());
        let headers = link.map(|link| (header::LINK, link)).into_iter().collect();
        Ok((headers, Answer(items.iter().map(JobView::of).collect())))
    }
}

pub(crate) fn missing() -> Error {
    Error::not_found("Job not found")
}
