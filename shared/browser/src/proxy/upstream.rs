//! Another proxy on the way: an operator's, as the worker API keeps them.
//!
//! What is told it is the address that was judged, and never a name: it cannot resolve one to somewhere else. What cannot be judged is where it
//! really takes the connection, and what that address is in its own network: an operator uses proxies that he trusts.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use scraping::{Dialer, Fault};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower::{Service, service_fn};

use super::conduct::Conduct;

/// How long it may take until it has taken a connection to where it should go.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);

/// A connection, directly or through whatever.
pub(crate) type Stream = Box<dyn Duplex>;

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// What is spoken with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamKind {
    /// HTTP, by CONNECT.
    Http,
    /// The same over TLS.
    Https,
    /// SOCKS, version 4: no IPv6, no password.
    Socks4,
    /// SOCKS, version 5.
    Socks5,
}

/// A proxy to go through. No `Debug`: it has a password.
#[derive(Clone)]
pub struct Upstream {
    /// Its number, to know it again by.
    pub id: u64,
    /// What is spoken with it.
    pub kind: UpstreamKind,
    /// Its name or address. It must be public, or allowed by the operator, like any other.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who signs in, and with which password.
    pub sign_in: Option<(String, String)>,
}

/// Why there is no connection through a proxy.
pub(super) struct Failure {
    /// How the proxy has done, if it was asked.
    pub(super) conduct: Option<Conduct>,
    /// What to tell who wanted the connection. The proxy's name and address are nothing to a page's owner.
    pub(super) fault: Fault,
}

impl Failure {
    const fn of(conduct: Conduct, words: &'static str) -> Self {
        Self { conduct: Some(conduct), fault: Fault::Proxy(words) }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { conduct: None, fault }
    }
}

/// A connection through a proxy to a host, one of whose public addresses the proxy is told.
pub(super) async fn through(upstream: &Upstream, dialer: &Dialer, host: &str, port: u16) -> Result<Stream, Failure> {
    let addresses = dialer.addresses(host, port).await?;
    let speaks = |address: &SocketAddr| upstream.kind != UpstreamKind::Socks4 || address.is_ipv4();
    let Some(target) = addresses.into_iter().find(speaks) else {
        return Err(Fault::Proxy("it knows no IPv6, and the host has nothing else").into());
    };
    let until = Instant::now() + HANDSHAKE_LIMIT;
    let too_long = |conduct| move |_| Failure::of(conduct, "it took too long");
    let stream = timeout_at(until, reach(upstream, dialer)).await.map_err(too_long(Conduct::Unreachable))??;
    let asked = timeout_at(until, ask(upstream, stream, target)).await.map_err(too_long(Conduct::Refused))?;
    asked.ok_or(Failure::of(Conduct::Refused, "it refused the connection"))
}

/// A connection to the proxy itself.
async fn reach(upstream: &Upstream, dialer: &Dialer) -> Result<Stream, Failure> {
    let failed = |words| Failure::of(Conduct::Unreachable, words);
    let connected = dialer.connect(&upstream.host, upstream.port).await;
    let tcp = connected.map_err(|_| failed("it could not be connected to"))?;
    if upstream.kind != UpstreamKind::Https {
        return Ok(Box::new(tcp));
    }
    Ok(Box::new(tls(&upstream.host, tcp).await.map_err(|_| failed("it could not be trusted"))?))
}

/// Has the proxy take its connection on to an address; none if it does not.
async fn ask(upstream: &Upstream, stream: Stream, target: SocketAddr) -> Option<Stream> {
    let (place, target) = (Uri::from_static("http://proxy"), Uri::try_from(format!("http://{target}")).ok()?);
    // Connected already: the handshake takes the stream as its connection, once.
    let mut stream = Some(TokioIo::new(stream));
    let taken = service_fn(move |_: Uri| ready(stream.take().ok_or_else(|| io::Error::other("connected twice"))));
    let sign_in = upstream.sign_in.clone();
    let connected = match upstream.kind {
        UpstreamKind::Http | UpstreamKind::Https => {
            let tunnel = Tunnel::new(place, taken);
            let mut tunnel = match sign_in.and_then(|(name, password)| basic(&name, &password)) {
                Some(authorization) => tunnel.with_auth(authorization),
                None => tunnel,
            };
            tunnel.call(target).await.ok()
        }
        UpstreamKind::Socks4 => SocksV4::new(place, taken).call(target).await.ok(),
        UpstreamKind::Socks5 => {
            let socks = SocksV5::new(place, taken);
            let mut socks = match sign_in {
                Some((name, password)) => socks.with_auth(name, password),
                None => socks,
            };
            socks.call(target).await.ok()
        }
    };
    connected.map(TokioIo::into_inner)
}

fn basic(name: &str, password: &str) -> Option<HeaderValue> {
    let mut value =
        HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn tls(host: &str, tcp: tokio::net::TcpStream) -> io::Result<impl Duplex + 'static> {
    let config = ClientConfig::with_platform_verifier().map_err(io::Error::other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}
