//! What a request asks for.

use std::time::Duration;

use api::query::Parameters;
use axum::http::HeaderMap;
use input::Fault;
use jobs::Place;
use table::Millis;
use uuid::Uuid;

use crate::event::Form;

/// How far back a stream begins of a caller who names no place: they see what has just happened, and not the whole month.
const RECENT: Duration = Duration::from_hours(1);

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Behind the event that the caller had last.
    Place(Place),
    /// At a moment.
    Moment(Millis),
    /// At the beginning of the job that is followed.
    Job,
}

/// A request, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) job: Option<Uuid>,
    pub(crate) from: From,
    pub(crate) form: Form,
}

impl Asked {
    /// The header `Last-Event-ID` and the parameters `job_id`, `since` and `format`.
    pub(crate) fn read(headers: &HeaderMap, query: &Parameters, now: Millis) -> Result<Self, Fault> {
        let job = query.text("job_id", 36)?.map(job_id).transpose()?;
        let since = query.text("since", 40)?.map(moment).transpose()?;
        let last = headers.get("last-event-id").filter(|id| !id.is_empty());
        let from = match last {
            Some(id) => {
                let place = id.to_str().ok().and_then(Place::read);
                From::Place(
                    place.ok_or_else(|| Fault::new("Last-Event-ID", "must be the id of an event of this stream"))?,
                )
            }
            None => match (since, job) {
                (Some(since), _) => From::Moment(since),
                (None, Some(_)) => From::Job,
                (None, None) => From::Moment(now.before(RECENT)),
            },
        };
        let form = match query.word("format", &["text", "json"])? {
            Some(1) => Form::Json,
            _ => Form::Text,
        };
        Ok(Self { job, from, form })
    }
}

/// An id in its one usual form; another is no job's.
fn job_id(text: &str) -> Result<Uuid, Fault> {
    let id = text.parse().ok().filter(|id: &Uuid| id.to_string() == text);
    id.ok_or_else(|| Fault::new("job_id", "must be a job's id"))
}

fn moment(text: &str) -> Result<Millis, Fault> {
    Millis::parse(text).ok_or_else(|| Fault::new("since", "must be a moment, as 2024-01-15T10:30:00Z"))
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use axum::http::Request;

    use super::*;

    const NOW: Millis = Millis(1_705_314_600_000);
    const JOB: &str = "550e8400-e29b-41d4-a716-446655440000";

    async fn read(query: &str, last: Option<&str>) -> Result<Asked, Fault> {
        let mut request = Request::get(format!("/logs/stream?{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let Ok(query) = Parameters::from_request_parts(&mut parts, &()).await;
        Asked::read(&parts.headers, &query, NOW)
    }

    #[tokio::test]
    async fn a_stream_begins_where_the_caller_was_or_lately_or_with_the_job() {
        let job = JOB.parse().ok();
        let place = Place::read("1705314600000-3").unwrap();
        for (query, last, from, of, form) in [
            ("", None, From::Moment(Millis(NOW.0 - 3_600_000)), None, Form::Text),
            ("", Some(""), From::Moment(Millis(NOW.0 - 3_600_000)), None, Form::Text),
            ("", Some("1705314600000-3"), From::Place(place), None, Form::Text),
            ("since=2024-01-15T10:00:00Z", None, From::Moment(Millis(1_705_312_800_000)), None, Form::Text),
            ("since=2024-01-15T10:00:00Z", Some("1705314600000-3"), From::Place(place), None, Form::Text),
            (&format!("job_id={JOB}&format=json"), None, From::Job, job, Form::Json),
            (&format!("job_id={JOB}&format=text"), Some("1705314600000-3"), From::Place(place), job, Form::Text),
        ] {
            assert_eq!(read(query, last).await, Ok(Asked { job: of, from, form }), "{query} {last:?}");
        }
    }

    #[tokio::test]
    async fn each_fault_names_what_is_wrong() {
        for (query, last, field) in [
            ("", Some("x"), "Last-Event-ID"),
            ("", Some("1705314600000"), "Last-Event-ID"),
            ("", Some("é"), "Last-Event-ID"),
            ("job_id=1", None, "job_id"),
            ("job_id=550E8400-E29B-41D4-A716-446655440000", None, "job_id"),
            ("since=yesterday", None, "since"),
            ("format=xml", None, "format"),
        ] {
            assert_eq!(read(query, last).await.unwrap_err().field, field, "{query} {last:?}");
        }
    }
}
