//! One request in, one request on to the emulator, its answer back; bodies are streamed both ways.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::upstream::Upstream;
use crate::{headers, socket};

/// How long a caller may take to send a request's headers.
const HEADER_LIMIT: Duration = Duration::from_secs(30);
/// How long connecting to the emulator, which is on the same machine, may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Shorter than the emulator's own 75 seconds, so that it never closes a connection that is about to be used.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// The pause after a failed accept, which is nearly always a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Body = Either<Incoming, Full<Bytes>>;

/// Passes requests on to a stage on the emulator, and those for sockets to another.
#[derive(Debug)]
pub struct Proxy {
    upstream: Upstream,
    sockets: Option<Upstream>,
    client: Client<HttpConnector, Incoming>,
    limit: Duration,
}

impl Proxy {
    /// A proxy to `upstream` that waits no longer than `limit` for an answer to start.
    #[must_use]
    pub fn new(upstream: Upstream, limit: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .build(connector);
        Self { upstream, sockets: None, client, limit }
    }

    /// The same, with the stage of a WebSocket API, where the emulator has one.
    #[must_use]
    pub fn with_sockets(self, sockets: Option<Upstream>) -> Self {
        Self { sockets, ..self }
    }

    /// Answers `request`, which came from `peer`. Every fault is an answer too, in API Gateway's own shape: `{"message"}`.
    async fn answer(&self, mut request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        // Methods are told apart by case (RFC 9110, section 9.1); the emulator does not, and takes "delete" for "DELETE".
        let known = request.method() != Method::CONNECT
            && !request.method().as_str().contains(|c: char| c.is_ascii_lowercase());
        if !known {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, "Unsupported method");
        }
        if let Some(sockets) = &self.sockets
            && socket::is_for_socket(request.uri().path())
        {
            return self.open_socket(sockets, request, peer).await;
        }
        let Some(located) = self.upstream.locate(request.uri()) else {
            return refusal(StatusCode::BAD_REQUEST, "Bad request");
        };
        *request.uri_mut() = located;
        *request.version_mut() = Version::HTTP_11;
        headers::towards_emulator(request.headers_mut(), self.upstream.host(), peer);
        match self.passed_on(request).await {
            Ok(mut response) => {
                headers::drop_hop_by_hop(response.headers_mut());
                response.map(Either::Left)
            }
            Err(refusal) => refusal,
        }
    }

    /// Answers a handshake as the emulator does, and joins the two connections if it agrees.
    async fn open_socket(&self, sockets: &Upstream, mut request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let Some(located) = socket::at_stage(request.uri()).and_then(|asked| sockets.locate(&asked)) else {
            return answer_of(StatusCode::NOT_FOUND, &serde_json::json!({"detail": "Not Found"}));
        };
        if request.method() != Method::GET {
            let mut refused =
                answer_of(StatusCode::METHOD_NOT_ALLOWED, &serde_json::json!({"detail": "Method Not Allowed"}));
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            return refused;
        }
        if !socket::is_handshake(&request) {
            return refusal(StatusCode::UPGRADE_REQUIRED, "This address is a WebSocket's");
        }
        let caller = socket::caller(&mut request);
        *request.uri_mut() = located;
        headers::towards_emulator(request.headers_mut(), sockets.host(), peer);
        socket::ask(request.headers_mut());
        match self.passed_on(request).await {
            Ok(answer) => socket::join(caller, answer).map(Either::Left),
            Err(refusal) => refusal,
        }
    }

    /// The emulator's answer, or what to say without one.
    async fn passed_on(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Response<Body>> {
        match timeout(self.limit, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                eprintln!("front-door: the emulator did not answer: {error:?}");
                Err(refusal(StatusCode::BAD_GATEWAY, "The local cloud's emulator did not answer: is it running?"))
            }
            Err(_) => Err(refusal(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out")),
        }
    }
}

/// An answer of the front door's own.
fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    answer_of(status, &serde_json::json!({ "message": message }))
}

fn answer_of(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Serves `proxy` on `listener`, until the task is dropped.
pub async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("front-door: accepting a connection failed: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move {
            // Small answers go out at once: with Nagle's algorithm each waits for the caller's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| {
                let proxy = Arc::clone(&proxy);
                async move { Ok::<_, Infallible>(proxy.answer(request, peer.ip()).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_LIMIT)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            // What fails here is the caller's connection, and the caller knows.
            let _ = connection.await;
        });
    }
}
