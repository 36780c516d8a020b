//! What is seen of every request: its id in the answer, that and its trace in each log line, an access line with what it cost, metrics; and a
//! panic becomes an answer.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use table::cost::metered;
use telemetry::{RequestId, Trace, traced};
use tracing::field::Empty;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What Lambda tells of the trace, in place of what the caller does.
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Marks an answer that tells of a fault of somebody else's service: it is no reason to take back a version of ours.
#[derive(Clone, Copy, Debug)]
pub struct OthersFault;

/// Middleware around everything else. Handlers find the [`RequestId`] among the request's extensions.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let id = given.unwrap_or_else(RequestId::generate);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let trace = Trace::of(request.headers().get(TRACE).and_then(|header| header.to_str().ok()));
    let span = tracing::info_span!("request", request_id = %id, trace_id = Empty);

    let work = async {
        let started = Instant::now();
        let (answer, cost) = metered(AssertUnwindSafe(next.run(request)).catch_unwind()).await;
        let answer = answer.unwrap_or_else(|_| {
            tracing::error!("the handler panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        });
        let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
        tracing::info!(
            %method,
            route,
            status = answer.status().as_u16(),
            milliseconds,
            dynamodb_requests = cost.dynamodb_requests,
            read_units = cost.read_units,
            write_units = cost.write_units,
            other_requests = cost.other_requests,
            "answered"
        );
        telemetry::counter!("Requests").increment(1);
        telemetry::histogram!("Latency").record(milliseconds);
        if answer.status().is_server_error() && answer.extensions().get::<OthersFault>().is_none() {
            telemetry::counter!("ServerErrors", "version" => telemetry::version()).increment(1);
        }
        answer
    };
    let mut answer = traced(trace, span, work).await;
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    telemetry::flush_metrics();
    answer
}
