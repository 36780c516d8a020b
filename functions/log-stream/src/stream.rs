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
use tracing::{Instrument, Span};

use crate::App;
use crate::asked::{Asked, From};
use crate::document::StreamQuery;
use crate::event::{COMMENT, Form, come_again, head, here, line};
use crate::followed::{At, Followed};
use crate::pace::Pace;

/// After how long an `EventSource` comes again whose stream has ended.
const RETRY: Duration = Duration::from_secs(1);
/// The same, of one that was given what there was: each request is one of [`BUFFERED`].
const BUFFERED_RETRY: Duration = Duration::from_secs(5);
/// After how long without an event there is a comment: with the pause before it less than the 15 seconds of RULINGS.md, "portal-jobs".
const SILENCE: Duration = Duration::from_secs(12);
/// A stream ends so long before its function is stopped: more than a look at the table takes.
const MARGIN: Duration = Duration::from_secs(12);
/// How long a stream goes on where nobody says when the function is stopped.
const USUAL: Duration = Duration::from_secs(20);
/// How many looks may fail in a row.
const FAILURES: u32 = 5;
/// How many bytes of events an answer has that is not streamed: what is left comes with the next.
const LARGEST: usize = 1_000_000;
/// How many looks such an answer takes at most, and how long: of one job there may be little among much of others.
const LOOKS: u32 = 16;
const LONGEST: Duration = Duration::from_secs(5);
/// By how much the clock of whoever said a line may differ from ours.
const SKEW: Duration = Duration::from_mins(1);
/// How often a tenant may open a stream: each holds a function while it lasts.
const STREAMED: RateLimit = RateLimit { scope: "log-stream", requests: 20, window: Duration::from_mins(1) };
/// How often a tenant may ask where answers are not streamed.
const BUFFERED: RateLimit = RateLimit { scope: "log-stream", requests: 120, window: Duration::from_mins(1) };

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
    let limit = if app.streams { STREAMED } else { BUFFERED };
    let opened = app.limiter.hit(&subject, limit).await.inspect_err(|error| tracing::warn!(%error, "not counted"));
    if let Ok(opened) = opened.as_ref()
        && !opened.allowed
    {
        return too_many(&headers, opened.retry_after);
    }
    let mut following = Following::begin(app, &caller.tenant, asked).await?;
    let place = following.place;
    let first = following.look().await?;
    // What an EventSource does not come again after.
    if first.is_empty() && following.is_over().await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if following.app.streams {
        let begun = head(RETRY, place) + &first;
        let live = Live::new(following, ends_at(&request, now));
        return Ok(events(Body::from_stream(unfold((Some(begun), live), next))));
    }
    let all = following.at_once(first).await?;
    // Who was not given all there is need not wait for the rest.
    let retry = if following.more { RETRY } else { BUFFERED_RETRY };
    Ok(events(Body::from(head(retry, place) + &all + &here(following.place))))
}

fn events(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// The answer to one stream too many, after how many seconds there may be another. An `EventSource` never comes again after an error: it is told when to,
/// and keeps its place.
fn too_many(headers: &HeaderMap, retry_after: u64) -> Result<Response, Error> {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if !accepted.is_some_and(|accepted| accepted.contains("text/event-stream")) {
        return Err(Error::rate_limited(retry_after));
    }
    Ok(events(Body::from(come_again(Duration::from_secs(retry_after.max(1))))))
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
    /// What was said before is not told.
    since: Millis,
    form: Form,
    place: Place,
    /// Whether there may be more already.
    more: bool,
}

impl Following {
    async fn begin(app: App, tenant: &str, asked: Asked) -> Result<Self, Error> {
        let missing = || Error::not_found("Job not found");
        let followed = match asked.job {
            Some(id) => {
                let found = Followed::find(&app.jobs, job_key(tenant, id), app.clock.now()).await?;
                Some(found.ok_or_else(missing)?)
            }
            None => None,
        };
        let group = partition(tenant);
        let (place, since) = match asked.from {
            From::Place(place) => (place, Millis(0)),
            From::Moment(moment) => (app.feeds.place_at(&group, moment).await?, moment.before(SKEW)),
            From::Job => {
                let created_at = followed.as_ref().map_or(Millis(0), Followed::created_at);
                (app.feeds.place_at(&group, created_at).await?, Millis(0))
            }
        };
        Ok(Self { app, group, followed, since, form: asked.form, place, more: true })
    }

    /// The events that are new. One request.
    async fn look(&mut self) -> Result<String, TableError> {
        let Stretch { lines, end, more } = self.app.feeds.read(&self.group, self.place).await?;
        (self.place, self.more) = (end, more);
        let Self { followed, since, form, .. } = self;
        let told = lines.iter().filter(|(_, line)| {
            let is_its = followed.as_mut().is_none_or(|followed| followed.admits(line));
            is_its && line.line.at >= *since
        });
        Ok(told.map(|(place, told)| line(*place, told, *form)).collect())
    }

    /// Whether nothing more comes: of one job, some time; of all of them never.
    async fn is_over(&mut self) -> Result<bool, TableError> {
        let at = At { place: self.place, more: self.more };
        match &mut self.followed {
            Some(followed) => followed.is_over(&self.app.jobs, at, self.app.clock.now()).await,
            None => Ok(false),
        }
    }

    /// What there is by now, or as much of it as an answer takes.
    async fn at_once(&mut self, mut events: String) -> Result<String, TableError> {
        let (mut looks, ends_at) = (1, self.app.clock.now().after(LONGEST));
        while self.more && events.len() < LARGEST && looks < LOOKS && self.app.clock.now() < ends_at {
            if self.is_over().await? {
                break;
            }
            events += &self.look().await?;
            looks += 1;
        }
        Ok(events)
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
    /// The request's, which its log lines are known by: the body is made after it was answered.
    span: Span,
}

/// The next piece of a body: what it begins with, and then what comes.
async fn next(
    (begun, mut live): (Option<String>, Live),
) -> Option<(Result<Bytes, Infallible>, (Option<String>, Live))> {
    let span = live.span.clone();
    let piece = match begun {
        Some(begun) => begun,
        None => live.next().instrument(span).await?,
    };
    Some((Ok(Bytes::from(piece)), (None, live)))
}

impl Live {
    fn new(following: Following, ends_at: Millis) -> Self {
        let told_at = following.app.clock.now();
        let (pace, cost, span) = (Pace::new(), Cost::default(), Span::current());
        Self { following, pace, ends_at, told_at, found: true, failures: 0, cost, span }
    }

    /// Waits for something to tell; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if !self.following.more || self.failures > 0 {
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
