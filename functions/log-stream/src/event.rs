//! Events, as they go over the line (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::fmt::Write;
use std::time::Duration;

use jobs::{FeedLine, Place};
use portals::JOB;
use serde_json::json;

/// How a line is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the contract has it: the message.
    Text,
    /// Everything that is known of it, as one JSON object.
    Json,
}

/// The beginning of a stream: after how long to come again, and from where, before there was any event.
pub(crate) fn head(retry: Duration, place: Place) -> String {
    format!("retry: {}\n{}", retry.as_millis(), here(place))
}

/// A stream of nothing but when to come again; who does is where it was.
pub(crate) fn come_again(after: Duration) -> String {
    format!("retry: {}\n\n", after.as_millis())
}

/// Where the stream is, for whoever comes again: an event without data is none, but its id counts.
pub(crate) fn here(place: Place) -> String {
    format!("id: {place}\n\n")
}

/// A sign of life.
pub(crate) const COMMENT: &str = ": nothing new\n";

/// A line.
pub(crate) fn line(place: Place, line: &FeedLine, form: Form) -> String {
    let mut event = format!("id: {place}\n");
    let text = match form {
        Form::Text => line.line.message.clone(),
        Form::Json => json!({
            "job_id": job_of(line),
            "number": line.line.number,
            "level": line.line.level,
            "message": line.line.message,
            "timestamp": line.line.at.to_string(),
            "metadata": line.line.metadata,
        })
        .to_string(),
    };
    // Each end of a line that SSE knows ends a field.
    for part in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let _ = writeln!(event, "data: {part}");
    }
    event.push('\n');
    event
}

/// The id of a line's job.
pub(crate) fn job_of(line: &FeedLine) -> &str {
    line.job.strip_prefix(JOB).unwrap_or(&line.job)
}

#[cfg(test)]
mod tests {
    use jobs::{Level, LoggedLine};
    use serde_json::{Map, Value as Json};
    use table::Millis;

    use super::*;

    fn told(message: &str, form: Form) -> String {
        let logged = LoggedLine {
            number: 7,
            at: Millis(1_705_314_600_000),
            level: Level::Info,
            message: message.to_owned(),
            metadata: Map::from_iter([("page".to_owned(), Json::from(3))]),
        };
        line(Place::read("17-2").unwrap(), &FeedLine { job: "JOB#job123".to_owned(), line: logged }, form)
    }

    #[test]
    fn an_event_is_its_id_and_its_message() {
        for (message, event) in [
            ("Page 3", "id: 17-2\ndata: Page 3\n\n"),
            ("", "id: 17-2\ndata: \n\n"),
            (": no comment", "id: 17-2\ndata: : no comment\n\n"),
            ("a\nb\r\nc\rd\n", "id: 17-2\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
            ("x\n\nevent: end", "id: 17-2\ndata: x\ndata: \ndata: event: end\n\n"),
        ] {
            assert_eq!(told(message, Form::Text), event);
        }
        assert_eq!(
            told("a\nb", Form::Json),
            "id: 17-2\ndata: {\"job_id\":\"job123\",\"number\":7,\"level\":\"INFO\",\"message\":\"a\\nb\",\
             \"timestamp\":\"2024-01-15T10:30:00Z\",\"metadata\":{\"page\":3}}\n\n"
        );
    }

    #[test]
    fn a_stream_says_where_it_is_before_its_first_event() {
        let head = head(Duration::from_secs(1), Place::read("17-2").unwrap());
        assert_eq!(head, "retry: 1000\nid: 17-2\n\n");
        assert_eq!(come_again(Duration::from_secs(7)), "retry: 7000\n\n");
    }
}
