//! Knows how to give a program of others' making one way out: a forward proxy on a loopback port of its own, which connects by the rules of
//! `scraping` to the very addresses that were judged, counts what goes through it, and is gone with its owner; knows nothing of the program.
//!
//! Nothing can be reached by it that may not be fetched, nor another such proxy, which is at a loopback address.

mod allowance;
mod conduct;
mod forward;
mod upstream;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use scraping::{Dialer, Fault};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use self::allowance::Metered;
pub use self::allowance::{Allowance, Exhausted};
pub use self::conduct::{Conduct, ProxyUse, judge};
use self::forward::{Body, bare, forward};
pub use self::upstream::{Names, Upstream, UpstreamKind};
use self::upstream::{Stream, through};

/// Of how many hosts it is remembered why they could not be connected to.
const REMEMBERED_FAULTS: usize = 1_000;

/// A proxy of one owner. Dropped, it ends with all its connections.
pub struct EgressProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What its connections share.
struct Shared {
    dialer: Dialer,
    upstream: Option<Upstream>,
    allowance: Allowance,
    /// How the other proxy has done, if anything was asked of it.
    conduct: Mutex<Option<Conduct>>,
    /// Why hosts could not be connected to, by host and port.
    faults: Mutex<HashMap<String, Fault>>,
    /// Its connections; none once it has ended.
    tasks: Mutex<Option<JoinSet<()>>>,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
}

impl EgressProxy {
    /// Starts it. `upstream` is a proxy to go through in its turn.
    pub async fn start(dialer: Dialer, upstream: Option<Upstream>, allowance: Allowance) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let tasks = Mutex::new(Some(JoinSet::new()));
        let shared = Shared { dialer, upstream, allowance, conduct: Mutex::default(), faults: Mutex::default(), tasks };
        let shared = Arc::new(shared);
        shared.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why a host (with its port) could not be connected to, if it could not.
    #[must_use]
    pub fn fault_of(&self, authority: &str) -> Option<Fault> {
        lock(&self.shared.faults).remove(authority)
    }

    /// How the proxy that it goes through has done, if anything has come of what it was asked for.
    #[must_use]
    pub fn conduct(&self) -> Option<Conduct> {
        *lock(&self.shared.conduct)
    }

    /// Why hosts could not be connected to since it was last asked, in no order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.shared.faults).drain().map(|(_, fault)| fault).collect()
    }

    /// Comes when its owner has used up what it may.
    pub async fn exhausted(&self) -> Exhausted {
        self.shared.allowance.exhausted().await
    }
}

impl Drop for EgressProxy {
    fn drop(&mut self) {
        // Its tasks are aborted, and no more are taken.
        *lock(&self.shared.tasks) = None;
    }
}

impl Shared {
    /// Has something done until the proxy ends.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = lock(&self.tasks).as_mut() {
            tasks.spawn(task);
            while tasks.try_join_next().is_some() {}
        }
    }

    fn note(&self, authority: String, fault: Fault) {
        let mut faults = lock(&self.faults);
        if faults.len() < REMEMBERED_FAULTS || faults.contains_key(&authority) {
            faults.insert(authority, fault);
        }
    }

    async fn connect(&self, target: &Target) -> Result<Metered<Stream>, Fault> {
        self.allowance.take_connection();
        let stream = match &self.upstream {
            None => Box::new(self.dialer.connect(&target.host, target.port).await?),
            Some(upstream) => self.connect_through(upstream, target).await?,
        };
        Ok(Metered::new(stream, self.allowance.clone()))
    }

    async fn connect_through(&self, upstream: &Upstream, target: &Target) -> Result<Stream, Fault> {
        let connected = through(upstream, &self.dialer, &target.host, target.port).await;
        let conduct = match &connected {
            Ok(_) => Some(Conduct::Worked),
            Err(failure) => failure.conduct,
        };
        let mut best = lock(&self.conduct);
        *best = (*best).max(conduct);
        connected.map_err(|failure| failure.fault)
    }
}

impl Target {
    /// Where a request for a proxy goes; none if it is not one.
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let uri = request.uri();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let port = match (request.method(), uri.scheme_str()) {
            (&Method::CONNECT, None) => authority.port_u16()?,
            (&Method::CONNECT, Some(_)) => return None,
            (_, Some("http")) => authority.port_u16().unwrap_or(80),
            _ => return None,
        };
        Some(Self { host: authority.host().to_owned(), port })
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(Arc::clone(&shared), request));
    // What goes wrong with it is its user's business, who sees its end.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let Some(target) = Target::of(&request) else { return Ok(bare(StatusCode::BAD_REQUEST)) };
    let connected = shared.connect(&target).await;
    let answer = match connected {
        Ok(stream) if request.method() == Method::CONNECT => {
            shared.spawn(tunnel(request, stream));
            Ok(bare(StatusCode::OK))
        }
        Ok(stream) => forward(&shared, request, stream).await.map_err(|_| Fault::Interrupted),
        Err(fault) => Err(fault),
    };
    Ok(answer.unwrap_or_else(|fault| {
        tracing::debug!(host = target.host, port = target.port, %fault, "a connection was not made");
        shared.note(target.authority(), fault);
        bare(StatusCode::BAD_GATEWAY)
    }))
}

async fn tunnel(request: Request<Incoming>, mut stream: Metered<Stream>) {
    if let Ok(upgraded) = hyper::upgrade::on(request).await {
        // Either side may break off.
        let _ = copy_bidirectional(&mut TokioIo::new(upgraded), &mut stream).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
