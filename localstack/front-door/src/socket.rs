//! A WebSocket in, a WebSocket on to the emulator, and from then on bytes both ways.
//!
//! API Gateway serves a WebSocket API at its stage alone; callers are promised one for each job, at `/ws/jobs/{job_id}`. The edge turns the one
//! into the other: the job goes into the query, beside what the caller asked for. On AWS `infra/edge/sockets.js` does the same, if an operator has put it there.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use hyper::upgrade::{OnUpgrade, on};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use crate::headers;

/// Where sockets are, for callers.
const JOBS: &str = "/ws/jobs/";
/// How long what is taken for a job's id may be.
const LONGEST_ID: usize = 64;
/// The longest that API Gateway keeps a connection.
const LONGEST: Duration = Duration::from_hours(2);

/// Whether a request is for a socket, whatever it asks for.
pub(crate) fn is_for_socket(path: &str) -> bool {
    path.starts_with("/ws/")
}

/// What a caller's `/ws/jobs/{job_id}?…` is at the stage: `/?…&job_id=…`, since of a parameter that comes twice the last one counts. None if it is
/// no job's.
pub(crate) fn at_stage(asked: &Uri) -> Option<Uri> {
    let is_plain = |job: &&str| {
        (1..=LONGEST_ID).contains(&job.len()) && job.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b))
    };
    let job = asked.path().strip_prefix(JOBS).filter(is_plain)?;
    let query = asked.query().map(|query| format!("{query}&")).unwrap_or_default();
    format!("/?{query}job_id={job}").parse().ok()
}

/// Whether a `GET` wants to become a WebSocket (RFC 6455, 4.1).
pub(crate) fn is_handshake(request: &Request<Incoming>) -> bool {
    request.headers().get(UPGRADE).is_some_and(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Makes a request a handshake again, whose headers were made fit for the emulator.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// The emulator's answer to a handshake, for the caller; where it has agreed, the two are joined.
pub(crate) fn join(caller: OnUpgrade, mut answer: Response<Incoming>) -> Response<Incoming> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::drop_hop_by_hop(answer.headers_mut());
        return answer;
    }
    let emulator = on(&mut answer);
    tokio::spawn(async move {
        // Whoever fails here is gone, and the other sees the connection end.
        if let (Ok(caller), Ok(emulator)) = tokio::join!(caller, emulator) {
            let (mut caller, mut emulator) = (TokioIo::new(caller), TokioIo::new(emulator));
            let _ = timeout(LONGEST, copy_bidirectional(&mut caller, &mut emulator)).await;
        }
    });
    answer
}

/// Takes the caller's side of a handshake out of its request.
pub(crate) fn caller(request: &mut Request<Incoming>) -> OnUpgrade {
    on(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_socket_is_the_stage_with_the_job_in_the_query() {
        for (asked, at) in [
            ("/ws/jobs/550e8400-e29b-41d4-a716-446655440000", Some("/?job_id=550e8400-e29b-41d4-a716-446655440000")),
            ("/ws/jobs/7?api_key=k", Some("/?api_key=k&job_id=7")),
            ("/ws/jobs/7?job_id=8", Some("/?job_id=8&job_id=7")),
            ("/ws/jobs/", None),
            ("/ws/jobs/7&api_key=k", None),
            ("/ws/jobs/%37", None),
            ("/ws/jobs/7/8", None),
            ("/ws/jobs", None),
            ("/ws/elsewhere/7", None),
        ] {
            let found = at_stage(&asked.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), at, "{asked}");
        }
    }
}
