//! A proxy between the functions and the emulator that can be told to lose, double, delay or refuse what passes through it.
//!
//! `POST /_chaos/rules` adds a [`Rule`] and answers `{"id": …}`; `GET /_chaos/rules/{id}` tells its [`Strikes`]; `DELETE` of the same path
//! ends it. What matches no rule passes untouched. A rule strikes at most `times` requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use drover_tests::chaos::{Fault, Rule, Strikes};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Cli {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// The emulator, as `http://127.0.0.1:4566`
    #[arg(long)]
    upstream: Uri,
    /// The port of DynamoDB, where that is a server of its own
    #[arg(long)]
    dynamodb_port: Option<u16>,
}

#[derive(Default)]
struct Rules {
    next_id: u64,
    active: BTreeMap<u64, Active>,
}

struct Active {
    rule: Rule,
    /// How many requests it has matched, those included that it let pass.
    matched: u32,
    last: Option<SocketAddr>,
}

struct Proxy {
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: Uri,
    dynamodb: Uri,
    rules: Mutex<Rules>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let dynamodb = match cli.dynamodb_port {
        Some(port) => format!("http://127.0.0.1:{port}").parse()?,
        None => cli.upstream.clone(),
    };
    let proxy = Arc::new(Proxy { client, upstream: cli.upstream, dynamodb, rules: Mutex::default() });
    let listener = TcpListener::bind(cli.listen).await.with_context(|| format!("{} is taken", cli.listen))?;
    loop {
        let (stream, caller) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move {
            // An error of the handler closes the connection without an answer: that is how answers are lost.
            let service = service_fn(move |request| Arc::clone(&proxy).handle(request, caller));
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Active {
    fn strikes(&self) -> Strikes {
        Strikes { struck: self.matched.saturating_sub(self.rule.skip).into(), last: self.last }
    }
}

impl Proxy {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        caller: SocketAddr,
    ) -> anyhow::Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if let Some(path) = parts.uri.path().strip_prefix("/_chaos/rules") {
            return self.control(&parts.method, path.trim_start_matches('/'), &body);
        }
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let fault = self.strike(&parts.method, target, parts.uri.path(), &body, caller);
        match fault {
            None => self.forward(parts, body).await,
            Some(Fault::LoseRequest) => bail!("lost, as told"),
            Some(Fault::LoseAnswer) => {
                self.forward(parts, body).await?;
                bail!("lost after it was done, as told")
            }
            Some(Fault::Twice) => {
                self.forward(parts.clone(), body.clone()).await?;
                self.forward(parts, body).await
            }
            Some(Fault::Delay { milliseconds }) => {
                // On its own: it is done also where the caller has lost patience meanwhile, and asked again.
                let late = async move {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    self.forward(parts, body).await
                };
                tokio::spawn(late).await?
            }
            Some(Fault::DelayAnswer { milliseconds }) => {
                let answer = self.forward(parts, body).await;
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                answer
            }
            Some(Fault::Answer { status, error_type, body }) => {
                let response = Response::builder()
                    .status(StatusCode::from_u16(status)?)
                    .header("content-type", "application/x-amz-json-1.0")
                    .header("x-amzn-errortype", error_type);
                Ok(response.body(Full::from(body))?)
            }
        }
    }

    async fn forward(
        &self,
        mut parts: hyper::http::request::Parts,
        body: Bytes,
    ) -> anyhow::Result<Response<Full<Bytes>>> {
        let path = parts.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let mut uri = self.upstream_of(&parts.headers).clone().into_parts();
        uri.path_and_query = Some(path.parse()?);
        parts.uri = Uri::from_parts(uri)?;
        let response = self.client.request(Request::from_parts(parts, Full::from(body))).await?;
        let (mut parts, body) = response.into_parts();
        parts.headers.remove("transfer-encoding");
        Ok(Response::from_parts(parts, Full::from(body.collect().await?.to_bytes())))
    }

    /// Where a request belongs.
    fn upstream_of(&self, headers: &HeaderMap) -> &Uri {
        let is_dynamodb = headers.get("x-amz-target").is_some_and(|target| target.as_bytes().starts_with(b"DynamoDB_"));
        if is_dynamodb { &self.dynamodb } else { &self.upstream }
    }

    /// The fault of the first rule that has this request in its sights, if any.
    fn strike(&self, method: &Method, target: &str, path: &str, body: &[u8], caller: SocketAddr) -> Option<Fault> {
        let mut rules = self.rules();
        let Active { rule, matched, last } = rules.active.values_mut().find(|Active { rule, matched, .. }| {
            *matched < rule.times.saturating_add(rule.skip) && rule.matches(method.as_str(), target, path, body)
        })?;
        *matched += 1;
        let strikes = *matched > rule.skip;
        strikes.then(|| {
            *last = Some(caller);
            rule.fault.clone()
        })
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> anyhow::Result<Response<Full<Bytes>>> {
        let mut rules = self.rules();
        let answer = match (method, path) {
            (&Method::POST, "") => {
                rules.next_id += 1;
                let id = rules.next_id;
                rules.active.insert(id, Active { rule: serde_json::from_slice(body)?, matched: 0, last: None });
                json!({"id": id})
            }
            (&Method::GET, id) => match rules.active.get(&id.parse()?) {
                Some(active) => json!(active.strikes()),
                None => bail!("no such rule"),
            },
            (&Method::DELETE, id) => {
                json!(rules.active.remove(&id.parse()?).map(|active| active.strikes()).unwrap_or_default())
            }
            _ => bail!("no such control"),
        };
        Ok(Response::new(Full::from(answer.to_string())))
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
