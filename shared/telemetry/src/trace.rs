//! The id that ties together all that a request leads to: its own log lines, and those of the jobs that it has made, wherever they are worked on.
//!
//! It is X-Ray's: API Gateway makes it, Lambda hands it to each invocation, SQS passes it on beside a message, and a job keeps it. Work is done within
//! [`traced`]; whoever takes a job up goes on with the id that the job was submitted under ([`go_on_with`]).

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span};
use uuid::Uuid;

/// An id as X-Ray writes it: `1-`, 8 hexadecimal digits (when it was made, in epoch seconds, where AWS has made it), `-`, and 24 more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TraceId(String);

/// An id with what X-Ray wants to know beside it: where in its picture the next step begins, and whether it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    parent: Option<String>,
    sampled: Option<bool>,
}

/// Why a text is no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTrace;

/// What is being worked on.
struct Scope {
    /// Whose the log lines are.
    id: TraceId,
    /// What is sent from here comes from: this invocation, whatever it is working on.
    sender: Trace,
    span: Span,
}

tokio::task_local! {
    static SCOPE: RefCell<Scope>;
}

/// Does `work` within a trace. The log lines of `span` carry it, if the span has a field `trace_id`, which is empty so far. Tasks that the work spawns
/// are outside.
pub async fn traced<F: Future>(trace: Trace, span: Span, work: F) -> F::Output {
    traced_for(trace.id.clone(), trace, span, work).await
}

/// As [`traced`], for what another trace led to: the log lines are that one's, `id`, while what is sent from here has `sender` beside it, the
/// invocation's own.
pub async fn traced_for<F: Future>(id: TraceId, sender: Trace, span: Span, work: F) -> F::Output {
    span.record(FIELD, id.as_str());
    let scope = Scope { id, sender, span: span.clone() };
    SCOPE.scope(RefCell::new(scope), work.instrument(span)).await
}

/// Does a part of the work in a span of its own, whose lines carry the trace as well: a line shows the innermost span alone.
pub async fn within<F: Future>(span: Span, work: F) -> F::Output {
    match SCOPE.try_with(|scope| (scope.borrow().id.clone(), scope.borrow().sender.clone())) {
        Ok((id, sender)) => traced_for(id, sender, span, work).await,
        Err(_) => work.instrument(span).await,
    }
}

/// Does the work of one invocation, whose id and trace Lambda tells (`trace`, a header): all its log lines carry both. Its metrics are written
/// whatever comes of it.
pub async fn invocation<F: Future>(request_id: &str, trace: Option<&str>, work: F) -> F::Output {
    let span = tracing::info_span!("invocation", request_id, trace_id = tracing::field::Empty);
    let output = traced(Trace::of(trace), span, work).await;
    crate::flush_metrics();
    output
}

/// What is being worked on belongs to this trace from now on, and so do the log lines that follow: it has turned out to be what `id` led to.
pub fn go_on_with(id: &TraceId) {
    let _ = SCOPE.try_with(|scope| {
        let mut scope = scope.borrow_mut();
        if scope.id != *id {
            scope.id = id.clone();
            scope.span.record(FIELD, id.as_str());
        }
    });
}

/// The trace of what is being worked on; none outside of [`traced`].
#[must_use]
pub fn current_trace() -> Option<TraceId> {
    SCOPE.try_with(|scope| scope.borrow().id.clone()).ok()
}

/// What goes with what is sent from here, for X-Ray: the trace of the invocation, whatever it has turned out to be working on; none outside of
/// [`traced`].
#[must_use]
pub fn sending_trace() -> Option<Trace> {
    SCOPE.try_with(|scope| scope.borrow().sender.clone()).ok()
}

/// The field of a span that has the id.
const FIELD: &str = "trace_id";

impl TraceId {
    /// The id as text: 35 characters of ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits of each part, behind the `1` that all begin with.
    const DIGITS: [usize; 2] = [8, 24];
}

impl FromStr for TraceId {
    type Err = InvalidTrace;

    /// One spelling only: what is looked for is found.
    fn from_str(text: &str) -> Result<Self, InvalidTrace> {
        let mut parts = text.split('-');
        let is_one = parts.next() == Some("1");
        let digits = Self::DIGITS.iter().all(|length| parts.next().is_some_and(|part| is_hex(part, *length)));
        if is_one && digits && parts.next().is_none() { Ok(Self(text.to_owned())) } else { Err(InvalidTrace) }
    }
}

impl TryFrom<String> for TraceId {
    type Error = InvalidTrace;

    fn try_from(text: String) -> Result<Self, InvalidTrace> {
        text.parse()
    }
}

impl Trace {
    /// The longest header that is read, in bytes. AWS's have about a hundred.
    const LONGEST: usize = 512;

    /// What a header tells, `X-Amzn-Trace-Id` or SQS's `AWSTraceHeader`; a new trace if it tells none.
    #[must_use]
    pub fn of(header: Option<&str>) -> Self {
        header.and_then(|header| header.parse().ok()).unwrap_or_else(Self::new)
    }

    /// A trace of our own, where nothing above us has made one. There is no time in its id, and X-Ray does not ask for it.
    fn new() -> Self {
        let digits = Uuid::new_v4().simple().to_string();
        let (time, rest) = digits.split_at(TraceId::DIGITS[0]);
        TraceId(format!("1-{time}-{rest}")).into()
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &TraceId {
        &self.id
    }
}

impl From<TraceId> for Trace {
    fn from(id: TraceId) -> Self {
        Self { id, parent: None, sampled: None }
    }
}

impl FromStr for Trace {
    type Err = InvalidTrace;

    /// Reads `Root=1-…-…;Parent=…;Sampled=1`, in any order. What else there is, or is not as it should be, is left out: it may be a caller's.
    fn from_str(header: &str) -> Result<Self, InvalidTrace> {
        if header.len() > Self::LONGEST {
            return Err(InvalidTrace);
        }
        let value = |name: &str| {
            let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        Ok(Self {
            id: value("Root").ok_or(InvalidTrace)?.parse()?,
            parent: value("Parent").filter(|parent| is_hex(parent, 16)).map(ToOwned::to_owned),
            sampled: match value("Sampled") {
                Some("1") => Some(true),
                Some("0") => Some(false),
                _ => None,
            },
        })
    }
}

/// The header.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root={}", self.id.as_str())?;
        if let Some(parent) = &self.parent {
            write!(f, ";Parent={parent}")?;
        }
        match self.sampled {
            Some(sampled) => write!(f, ";Sampled={}", u8::from(sampled)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InvalidTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no trace of X-Ray's")
    }
}

impl std::error::Error for InvalidTrace {}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::field::Empty;
    use tracing::info_span;
    use tracing_subscriber::EnvFilter;

    use super::*;

    const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
    const OTHER: &str = "1-5759e989-000000000000000000000001";

    #[test]
    fn a_header_is_read_for_what_is_good_in_it() {
        for (header, read) in [
            ("Root={ID}", "Root={ID}"),
            ("Root={ID};Parent=53995c3f42cd8ad8;Sampled=1", "Root={ID};Parent=53995c3f42cd8ad8;Sampled=1"),
            ("Sampled=0; Root={ID}; Self=1-2-3", "Root={ID};Sampled=0"),
            (
                "Root={ID};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:e8f29f6c:0",
                "Root={ID};Parent=53995c3f42cd8ad8;Sampled=1",
            ),
            ("Root={ID};Parent=x;Sampled=?", "Root={ID}"),
            ("Root={ID};Parent=\"\n;Sampled=11", "Root={ID}"),
        ] {
            let trace: Trace = header.replace("{ID}", ID).parse().unwrap();
            assert_eq!(trace.to_string(), read.replace("{ID}", ID), "{header}");
        }
    }

    #[test]
    fn what_is_no_trace_is_not_taken() {
        let long = format!("Root={ID};Self={}", "x".repeat(Trace::LONGEST));
        for bad in [
            "",
            "x",
            "Root=",
            "Root=x",
            ID,
            "root={ID}",
            "Root= {ID}",
            "Root={ID}x",
            "Root={ID}-1",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759E988-bd862e3fe1be46a994272793",
            "Root=1-5759e98-8bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279\u{e9}",
            "Root=1-5759e988-bd862e3fe1be46a99427\"\n\"",
            &long,
        ] {
            assert_eq!(bad.replace("{ID}", ID).parse::<Trace>(), Err(InvalidTrace), "{bad:?}");
        }
    }

    #[test]
    fn where_there_is_none_a_new_one_is_made() {
        let (one, other) = (Trace::of(None), Trace::of(Some("Root=x")));
        assert_ne!(one, other);
        for new in [one, other] {
            assert_eq!(new.to_string().parse(), Ok(new));
        }
        assert_eq!(Trace::of(Some(&format!("Root={ID}"))).id().as_str(), ID);
    }

    #[test]
    fn only_an_id_is_read_from_what_is_stored() {
        assert_eq!(serde_json::from_str::<TraceId>(&format!("{ID:?}")).unwrap().as_str(), ID);
        assert!(serde_json::from_str::<TraceId>("\"x\"").is_err());
    }

    /// What is written to it is kept.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_carry_the_trace_of_what_is_worked_on() {
        let written = Written::default();
        let into = written.clone();
        let _guard = tracing::subscriber::set_default(crate::lines(EnvFilter::new("info"), move || into.clone()));
        let work = async {
            tracing::info!("one");
            let other: TraceId = OTHER.parse().unwrap();
            go_on_with(&other);
            tracing::info!("two");
            assert_eq!(current_trace(), Some(other));
            let sender = sending_trace().map(|trace| trace.to_string());
            assert_eq!(sender, Some(format!("Root={ID};Sampled=1")), "it is still this invocation that sends");
        };
        let span = info_span!("message", message_id = "m", trace_id = Empty);
        traced(Trace::of(Some(&format!("Root={ID};Sampled=1"))), span, work).await;
        tracing::info!("three");

        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seen: Vec<_> = lines.iter().map(|line| (&line["span"]["trace_id"], &line["span"]["message_id"])).collect();
        let (none, message) = (serde_json::Value::Null, serde_json::json!("m"));
        let (id, other) = (serde_json::json!(ID), serde_json::json!(OTHER));
        assert_eq!(seen, [(&id, &message), (&other, &message), (&none, &none)], "{written}");
        assert_eq!(written.matches("trace_id").count(), 2, "{written}");
    }

    #[tokio::test]
    async fn lines_of_an_invocation_and_of_its_parts_carry_its_trace() {
        let written = Written::default();
        let into = written.clone();
        let _guard = tracing::subscriber::set_default(crate::lines(EnvFilter::new("info"), move || into.clone()));
        let header = format!("Root={ID}");
        let work = async {
            tracing::info!("whole");
            within(info_span!("part", job = "j", trace_id = Empty), async { tracing::info!("part") }).await;
            tracing::error!("whole");
        };
        invocation("r", Some(&header), work).await;

        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3, "{written}");
        for line in lines {
            let (field, value) = if line["message"] == "part" { ("job", "j") } else { ("request_id", "r") };
            assert_eq!(
                (line["span"]["trace_id"].as_str(), line["span"][field].as_str()),
                (Some(ID), Some(value)),
                "{line}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_sent_has_the_senders_trace_and_not_that_of_what_led_to_it() {
        let sender = Trace::of(Some(&format!("Root={OTHER};Parent=53995c3f42cd8ad8;Sampled=1")));
        let id: TraceId = ID.parse().unwrap();
        let seen = async { (current_trace(), sending_trace()) };
        let found = traced_for(id.clone(), sender.clone(), Span::none(), seen).await;
        assert_eq!(found, (Some(id), Some(sender)));
        assert_eq!(sending_trace(), None);
    }

    #[tokio::test]
    async fn what_is_worked_on_at_once_is_not_mixed_up() {
        let other: TraceId = OTHER.parse().unwrap();
        let both = tokio::sync::Barrier::new(2);
        let work = async |goes_on: bool| {
            both.wait().await;
            if goes_on {
                go_on_with(&other);
            }
            both.wait().await;
            current_trace()
        };
        let trace = || Trace::of(Some(&format!("Root={ID}")));
        let found = tokio::join!(traced(trace(), Span::none(), work(true)), traced(trace(), Span::none(), work(false)));
        assert_eq!(found, (Some(other.clone()), ID.parse().ok()));
        assert_eq!(current_trace(), None);
    }
}
