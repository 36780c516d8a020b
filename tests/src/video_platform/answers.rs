//! Answers, good and bad.

use std::convert::Infallible;
use std::io;
use std::iter::once;
use std::time::Duration;

use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, RETRY_AFTER};
use hyper::http::response::Builder;
use hyper::{HeaderMap, Response, StatusCode};

use super::Trouble;

/// A body; an error of it ends the connection.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What a file that is too large is said to have.
const LARGE: u64 = 8 * 1024 * 1024 * 1024;
/// How many bytes of a file that is slow come at once.
const DROP: usize = 256;
/// How long between two of those.
const DRIP: Duration = Duration::from_millis(50);

pub(super) fn answer(kind: &str, content: impl Into<Bytes>) -> Response<Body> {
    built(Response::builder().header(CONTENT_TYPE, kind), whole(content))
}

pub(super) fn html(content: String) -> Response<Body> {
    answer("text/html; charset=utf-8", content)
}

pub(super) fn bare(status: StatusCode) -> Response<Body> {
    let mut answer = Response::builder().status(status);
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer = answer.header(RETRY_AFTER, "30");
    }
    built(answer, whole(status.to_string()))
}

pub(super) fn redirect(to: &str) -> Response<Body> {
    built(Response::builder().status(StatusCode::FOUND).header(LOCATION, to), whole(""))
}

/// A file, or what is wrong with it.
pub(super) fn file(content: Vec<u8>, asked: &HeaderMap, trouble: Option<Trouble>) -> Response<Body> {
    let started = Response::builder().header(CONTENT_TYPE, "video/mp4");
    let length = content.len();
    match trouble {
        Some(Trouble::Forbidden) => bare(StatusCode::FORBIDDEN),
        Some(Trouble::Limited) => bare(StatusCode::TOO_MANY_REQUESTS),
        Some(Trouble::Broken) => bare(StatusCode::SERVICE_UNAVAILABLE),
        Some(Trouble::Html) => html("<!doctype html><title>Sorry</title><p>Please try again".to_owned()),
        Some(Trouble::Metadata) => redirect("http://169.254.169.254/latest/meta-data/iam/security-credentials/"),
        Some(Trouble::Cut) => {
            let half = Ok(Frame::data(Bytes::from(content[..length / 2].to_vec())));
            let parts = stream::iter([half, Err(io::Error::other("cut"))]);
            built(started.header(CONTENT_LENGTH, length), BodyExt::boxed_unsync(StreamBody::new(parts)))
        }
        Some(Trouble::Large) => {
            built(started.header(CONTENT_LENGTH, LARGE), endless(content, 64 * 1024, Duration::ZERO))
        }
        Some(Trouble::Endless) => built(started, endless(content, 64 * 1024, Duration::ZERO)),
        Some(Trouble::Slow) => built(started, endless(content, DROP, DRIP)),
        _ => match range(asked, length) {
            Some((from, to)) => {
                let range = format!("bytes {from}-{to}/{length}");
                let part = started.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
                built(part, whole(content[from..=to].to_vec()))
            }
            None => built(started.header(ACCEPT_RANGES, "bytes"), whole(content)),
        },
    }
}

/// A file of so many bytes: the rest is a box that players skip, made as it is sent.
pub(super) fn large(content: Vec<u8>, bytes: u64) -> Response<Body> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let mut head = content;
    let rest = bytes.saturating_sub(head.len() as u64);
    head.extend_from_slice(&u32::try_from(rest).unwrap_or(0).to_be_bytes());
    head.extend_from_slice(b"free");
    let (zeros, left) = (Bytes::from_static(&ZEROS), usize::try_from(rest.saturating_sub(8)).unwrap_or(0));
    let rest = (0..left).step_by(ZEROS.len()).map(move |at| zeros.slice(..ZEROS.len().min(left - at)));
    let parts = once(Bytes::from(head)).chain(rest).map(|part| Ok(Frame::data(part)));
    let answer = Response::builder().header(CONTENT_TYPE, "video/mp4").header(CONTENT_LENGTH, bytes);
    built(answer, BodyExt::boxed_unsync(StreamBody::new(stream::iter(parts))))
}

fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// The file again and again, in parts of one size with a wait before each.
fn endless(content: Vec<u8>, part: usize, wait: Duration) -> Body {
    let parts = stream::unfold(content.into_iter().cycle(), move |mut bytes| async move {
        tokio::time::sleep(wait).await;
        let next: Vec<u8> = bytes.by_ref().take(part).collect();
        Some((Ok(Frame::data(Bytes::from(next))), bytes))
    });
    BodyExt::boxed_unsync(StreamBody::new(parts))
}

/// `bytes=FROM-[TO]`, within the file.
fn range(asked: &HeaderMap, length: usize) -> Option<(usize, usize)> {
    let (from, to) = asked.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let to = to.parse().unwrap_or(length - 1).min(length - 1);
    let from = from.parse().ok()?;
    (from <= to).then_some((from, to))
}

fn built(answer: Builder, body: Body) -> Response<Body> {
    answer.body(body).unwrap_or_else(|_| Response::new(whole("")))
}
