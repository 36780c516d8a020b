//! A site, and a trap where nobody should ever come.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use tokio::net::{TcpListener, UdpSocket};

/// A request that has come.
#[derive(Clone)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
}

/// A site on a port of its own. What its handler leaves open is a 404.
pub struct Site {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Site {
    pub async fn start(answer: impl Fn(&str) -> Option<Response> + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.77.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let requests = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            requests.lock().unwrap().push(Seen { path: path.clone(), headers: request.headers().clone() });
            let answer = answer(&path).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response());
            async { answer }
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, seen }
    }

    /// A site of one page.
    pub async fn of(page: impl Into<String>) -> Self {
        let page = page.into();
        Self::start(move |path| (path == "/").then(|| html(&page))).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }
}

pub fn html(text: &str) -> Response {
    Html(text.to_owned()).into_response()
}

pub fn redirect(to: &str) -> Response {
    (StatusCode::FOUND, [("location", to.to_owned())]).into_response()
}

/// Loopback ports, TCP and UDP of one number, that nobody may connect to or send to.
pub struct Trap {
    pub port: u16,
    visits: Arc<AtomicUsize>,
}

impl Trap {
    pub async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let (by_tcp, by_udp) = (Arc::clone(&visits), Arc::clone(&visits));
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                by_tcp.fetch_add(1, Ordering::SeqCst);
            }
        });
        tokio::spawn(async move {
            while socket.recv_from(&mut [0; 64]).await.is_ok() {
                by_udp.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, visits }
    }

    /// Nobody has come; and had somebody, it would have been seen.
    pub async fn stayed_empty(&self) {
        assert_eq!(self.visits.load(Ordering::SeqCst), 0, "somebody has come");
        let _tcp = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        udp.send_to(b"x", ("127.0.0.1", self.port)).await.unwrap();
        while self.visits.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    }
}
