//! `GET /logs/stream`.

use std::convert::Infallible;
use std::time::Duration;

use api::RateLimit;
use api::portal::{Error, User};
use api::query::Parameters;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::unfold;
use jobs::{Place, Stretch};
use lambda_http::RequestExt;
use portals::{job_key, partition};
use table::cost::{Cost, metered};
use table::{Millis, TableError};

use crate::App;
use crate::asked::{Asked, From};
use crate::document::StreamQuery;
use crate::event::{COMMENT, Form, head, here, line};
use crate::followed::Followed;
use crate::pace::Pace;

/// After how long an `EventSource` comes again.
const RETRY: Duration = Duration::from_secs(1);
/// After how long without an event there is a comment (RULINGS.md, "portal-jobs").
const SILENCE: Duration = Duration::from_secs(15);
/// A stream ends so long before its function is stopped: more than a look at the table takes.
const MARGIN: Duration = Duration::from_secs(12);
/// How long a stream goes on where nobody says when the function is stopped.
const USUAL: Duration = Duration::from_secs(20);
/// How many looks may fail in a row.
const FAILURES: u32 = 5;
/// How many bytes of events an answer has that is not streamed: what is left comes with the next.
const LARGEST: usize = 1_000_000;
/// How often a tenant may open a stream: each holds a function while it lasts.
const OPENED: RateLimit = RateLimit { scope: "log-stream", requests: 120, window: Duration::from_mins(1) };

/// `GET /logs/stream`: the log lines of the caller's jobs, or of one of them, as they come (Server-Sent Events). Each event's `id` is the place behind it:
/// who comes again with the last as `Last-Event-ID`, as every `EventSource` does, misses nothing and sees nothing twice. A stream ends some time, or with
/// the job that it follows.
#[utoipa::path(get, path = "/logs/stream", tag = "Portal jobs", params(StreamQuery),
    responses(
        (status = 200, description = "Events, each with an `id` and `data`", content_type = "text/event-stream", body = String),
        (status = 204, description = "The job has ended, and everything of it was said: do not come again"),
        (status = 404, description = "There is no such job"),
        (status = 429),
    ))]
pub(crate) async fn show(
    State(app): State<App>,
    User(caller): User,
    headers: HeaderMap,
    query: Parameters,
    request: Request,
) -> Result<Response, Error> {
    let now = app.clock.now();
    let asked = Asked::read(&headers, &query, now)?;
    let subject = format!("TENANT#{}", caller.tenant);
    let opened = app.limiter.hit(&subject, OPENED).await.inspect_err(|error| tracing::warn!(%error, "not counted"));
    if let Ok(opened) = opened.as_ref()
        && !opened.allowed
    {
        return Err(Error::rate_limited(opened.retry_after));
    }
    let mut following = Following::begin(app, &caller.tenant, asked).await?;
    let place = following.place;
    let first = following.look().await?;
    // What an EventSource does not come again after.
    if first.is_empty() && following.is_over().await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let begun = head(RETRY, place) + &first;
    let body = if following.app.streams {
        let live = Live::new(following, ends_at(&request, now));
        Body::from_stream(unfold((Some(begun), live), next))
    } else {
        Body::from(following.at_once(begun).await?)
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

/// When a stream ends whose function is stopped some time after.
fn ends_at(request: &Request, now: Millis) -> Millis {
    request.lambda_context_ref().map_or(now.after(USUAL), |context| Millis(context.deadline).before(MARGIN))
}

/// What is followed, and how far.
struct Following {
    app: App,
    group: String,
    followed: Option<Followed>,
    form: Form,
    place: Place,
    /// Whether there may be more already.
    more: bool,
}

impl Following {
    async fn begin(app: App, tenant: &str, asked: Asked) -> Result<Self, Error> {
        let missing = || Error::not_found("Job not found");
        let (followed, created_at) = match asked.job {
            Some(id) => {
                let (followed, job) = Followed::find(&app.jobs, job_key(tenant, id)).await?.ok_or_else(missing)?;
                (Some(followed), job.created_at)
            }
            None => (None, Millis(0)),
        };
        let group = partition(tenant);
        let place = match asked.from {
            From::Place(place) => place,
            From::Moment(moment) => app.feeds.place_at(&group, moment).await?,
            From::Job => app.feeds.place_at(&group, created_at).await?,
        };
        Ok(Self { app, group, followed, form: asked.form, place, more: true })
    }

    /// The events that are new. One request.
    async fn look(&mut self) -> Result<String, TableError> {
        let Stretch { lines, end, more } = self.app.feeds.read(&self.group, self.place).await?;
        (self.place, self.more) = (end, more);
        let Self { followed, form, .. } = self;
        let of_it = lines.iter().filter(|(_, line)| followed.as_mut().is_none_or(|followed| followed.admits(line)));
        Ok(of_it.map(|(place, told)| line(*place, told, *form)).collect())
    }

    /// Whether nothing more comes: of one job, some time; of all of them never.
    async fn is_over(&self) -> Result<bool, TableError> {
        match &self.followed {
            Some(followed) if !self.more => followed.is_over(&self.app.jobs, self.app.clock.now()).await,
            _ => Ok(false),
        }
    }

    /// What there is by now, or as much of it as an answer takes.
    async fn at_once(mut self, mut events: String) -> Result<String, TableError> {
        while self.more && events.len() < LARGEST {
            events += &self.look().await?;
        }
        Ok(events + &here(self.place))
    }
}

/// A stream that goes on.
struct Live {
    following: Following,
    pace: Pace,
    ends_at: Millis,
    told_at: Millis,
    found: bool,
    failures: u32,
    cost: Cost,
}

/// The next piece of a body: what it begins with, and then what comes.
async fn next(
    (begun, mut live): (Option<String>, Live),
) -> Option<(Result<Bytes, Infallible>, (Option<String>, Live))> {
    let piece = match begun {
        Some(begun) => begun,
        None => live.next().await?,
    };
    Some((Ok(Bytes::from(piece)), (None, live)))
}

impl Live {
    fn new(following: Following, ends_at: Millis) -> Self {
        let told_at = following.app.clock.now();
        Self { following, pace: Pace::new(), ends_at, told_at, found: true, failures: 0, cost: Cost::default() }
    }

    /// Waits for something to tell; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if !self.following.more {
                tokio::time::sleep(self.pace.pause(self.found)).await;
            }
            let now = self.following.app.clock.now();
            if now >= self.ends_at {
                self.cost.log("the stream's time is over");
                return None;
            }
            let (looked, cost) = metered(self.look()).await;
            self.cost = self.cost.plus(cost);
            match looked {
                Ok(Some(events)) => {
                    (self.found, self.failures) = (!events.is_empty(), 0);
                    if self.found || self.told_at.after(SILENCE) <= now {
                        self.told_at = now;
                        let silence = || COMMENT.to_owned() + &here(self.following.place);
                        return Some(if self.found { events } else { silence() });
                    }
                }
                Ok(None) => {
                    self.cost.log("the job has ended");
                    return None;
                }
                Err(error) => {
                    tracing::warn!(%error, "the log was not read");
                    (self.found, self.failures) = (false, self.failures + 1);
                    if self.failures >= FAILURES {
                        return None;
                    }
                }
            }
        }
    }

    /// What is new, which may be nothing; none if nothing more comes.
    async fn look(&mut self) -> Result<Option<String>, TableError> {
        let events = self.following.look().await?;
        let is_over = events.is_empty() && self.following.is_over().await?;
        Ok((!is_over).then_some(events))
    }
}
