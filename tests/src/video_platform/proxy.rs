//! The proxy that answers for TikTok's hosts, and leads nowhere else.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::answers::{Body, bare};
use super::{State, tiktok};

const CERTIFICATE: &str = include_str!("certificate.pem");
const KEY: &str = include_str!("certificate.key");
/// What the certificate is for.
const DOMAINS: [&str; 3] = [".tiktok.com", ".tiktokv.com", ".tiktokcdn.com"];

pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let Some(config) = config() else { return };
    let tls = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, Arc::clone(&state), tls.clone()));
    }
}

fn config() -> Option<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).ok()?;
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).ok()?;
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate], key).ok()?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}

async fn connection(stream: TcpStream, state: Arc<State>, tls: TlsAcceptor) {
    let service = service_fn(|request| answered(request, Arc::clone(&state), tls.clone()));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn answered(
    request: Request<Incoming>,
    state: Arc<State>,
    tls: TlsAcceptor,
) -> Result<Response<Body>, Infallible> {
    if request.method() != Method::CONNECT {
        return Ok(if request.uri().host().is_none() {
            state.control(request).await
        } else {
            bare(StatusCode::FORBIDDEN)
        });
    }
    let host = request.uri().host().unwrap_or_default().to_owned();
    if request.uri().port_u16() != Some(443) || !DOMAINS.iter().any(|domain| host.ends_with(domain)) {
        return Ok(bare(StatusCode::FORBIDDEN));
    }
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let Ok(stream) = tls.accept(TokioIo::new(upgraded)).await else { return };
        let service = service_fn(|request: Request<Incoming>| {
            state.saw(&request, &host);
            let answer = tiktok::answer_to(&state, &host, &request);
            async { Ok::<_, Infallible>(answer) }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    Ok(Response::new(Body::default()))
}
