//! Another proxy on the way: an operator's, as the worker API keeps them.
//!
//! What is told it is the address that was judged, and not the name: it cannot resolve one to somewhere else. What cannot be judged is where it
//! really takes the connection, and what that address is in its own network: an operator uses proxies that he trusts. Where he says so, names are
//! told it unresolved; addresses are judged all the same.

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
use url::{Host, Url, form_urlencoded};

use crate::conduct::Conduct;

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

/// Who resolves names, where another proxy is on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// We do, and judge the address; the proxy is told only that.
    #[default]
    Judged,
    /// The proxy does, for an operator in whose network nothing else can, or whose proxy wants to know names. SOCKS 4 cannot be told any.
    Told,
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
    /// Who resolves the names of hosts.
    pub names: Names,
}

impl Upstream {
    /// A proxy by its address, `http`, `https`, `socks4` or `socks5`, `://[NAME:PASSWORD@]HOST:PORT`, which is told names. None if that is no such address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let (kind, usual_port) = match url.scheme() {
            "http" => (UpstreamKind::Http, 80),
            "https" => (UpstreamKind::Https, 443),
            "socks4" => (UpstreamKind::Socks4, 1080),
            "socks5" => (UpstreamKind::Socks5, 1080),
            _ => return None,
        };
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let sign_in = (!url.username().is_empty())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let host = url.host_str().filter(|host| is_bare && !host.is_empty())?.to_owned();
        Some(Self { id: 0, kind, host, port: url.port().unwrap_or(usual_port), sign_in, names: Names::Told })
    }
}

/// A part of a URL, without its percent signs.
fn decoded(part: &str) -> String {
    // As a name of a form's field, where these would mean something.
    let part = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(part.as_bytes()).map(|(name, _)| name).collect()
}

/// Why there is no connection through a proxy.
pub(super) struct Failure {
    /// How the proxy has done, if it was asked.
    pub(super) conduct: Option<Conduct>,
    /// What to tell who wanted the connection. The proxy's name and address are nothing to that one.
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
    let target = target(upstream, dialer, host, port).await?;
    let until = Instant::now() + HANDSHAKE_LIMIT;
    let too_long = |conduct| move |_| Failure::of(conduct, "it took too long");
    let stream = timeout_at(until, reach(upstream, dialer)).await.map_err(too_long(Conduct::Unreachable))??;
    let asked = timeout_at(until, ask(upstream, stream, &target)).await.map_err(too_long(Conduct::Refused))?;
    asked.ok_or(Failure::of(Conduct::Refused, "it refused the connection"))
}

/// What the proxy is told to connect to: a host and a port.
async fn target(upstream: &Upstream, dialer: &Dialer, host: &str, port: u16) -> Result<String, Fault> {
    let is_socks4 = upstream.kind == UpstreamKind::Socks4;
    let is_told = upstream.names == Names::Told && !is_socks4;
    if is_told && let Host::Domain(name) = Host::parse(host).map_err(Fault::InvalidUrl)? {
        return Ok(format!("{name}:{port}"));
    }
    let addresses = dialer.addresses(host, port).await?;
    let speaks = |address: &&SocketAddr| !is_socks4 || address.is_ipv4();
    match addresses.iter().find(speaks) {
        Some(address) => Ok(address.to_string()),
        None => Err(Fault::Proxy("it knows no IPv6, and the host has nothing else")),
    }
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
async fn ask(upstream: &Upstream, stream: Stream, target: &str) -> Option<Stream> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_by_addresses() {
        let proxy = Upstream::parse("http://me:p%40ss+%26=@proxy.example:3128").unwrap();
        assert_eq!(
            (proxy.kind, proxy.host.as_str(), proxy.port, proxy.names),
            (UpstreamKind::Http, "proxy.example", 3128, Names::Told)
        );
        assert_eq!(proxy.sign_in, Some(("me".to_owned(), "p@ss+&=".to_owned())));
        let proxy = Upstream::parse("socks5://127.0.0.1").unwrap();
        assert_eq!((proxy.kind, proxy.port, proxy.sign_in), (UpstreamKind::Socks5, 1080, None));
        for bad in [
            "proxy:3128",
            "ftp://proxy",
            "http://",
            "http://proxy/path",
            "http://proxy/?x",
            "socks5://",
            "http://proxy/#x",
            "",
        ] {
            assert!(Upstream::parse(bad).is_none(), "{bad}");
        }
    }
}
