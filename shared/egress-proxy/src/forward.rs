//! A plain request, sent on over a connection of its own.

use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, TE, UPGRADE};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use super::Shared;
use super::allowance::Metered;
use super::upstream::Stream;

/// A body that comes through, or none.
pub(super) type Body = Either<Incoming, Empty<Bytes>>;

/// Headers of one connection, not of what is sent over it (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    UPGRADE,
];

/// An answer of our own.
pub(super) fn bare(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Either::Right(Empty::new()));
    *answer.status_mut() = status;
    answer
}

pub(super) async fn forward(
    shared: &Shared,
    mut request: Request<Incoming>,
    stream: Metered<Stream>,
) -> hyper::Result<Response<Body>> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    strip(request.headers_mut());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    shared.spawn(async {
        // What goes wrong with it, its answer tells.
        let _ = connection.await;
    });
    let mut answer = sender.send_request(request).await?;
    strip(answer.headers_mut());
    Ok(answer.map(Either::Left))
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_THE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn what_is_of_the_connection_stays_on_it() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Hop"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("x-hop", "1"),
            ("x-end", "1"),
            ("upgrade", "h2c"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-end"]);
    }
}
