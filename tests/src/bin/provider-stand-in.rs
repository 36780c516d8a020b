//! OpenAI and DeepSeek (`/openai/v1`, `/deepseek`), a captcha service (`/captcha`) and Lemon Squeezy (`/lemon-squeezy`), as far as Drover knows them, with
//! faults at will: see `drover_tests::providers` and `drover_tests::store`. `GET /_seen/{plan}` tells the requests of a plan.

#[path = "provider-stand-in/lemon_squeezy.rs"]
mod lemon_squeezy;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use drover_tests::providers::{KEYS, Plan, Seen, Step};
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use self::lemon_squeezy::LemonSqueezy;

/// How large a huge answer is, in bytes.
const HUGE: usize = 4 * 1024 * 1024;

type Body = BoxBody<Bytes, io::Error>;

#[derive(Parser)]
struct Cli {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
}

#[derive(Default)]
struct StandIn {
    /// The requests of each plan.
    seen: Mutex<HashMap<String, Vec<Seen>>>,
    /// The plan of each captcha, by its task.
    tasks: Mutex<HashMap<u64, Plan>>,
    last_task: AtomicU64,
    lemon_squeezy: LemonSqueezy,
}

/// A provider, and what was asked of it.
struct Question {
    kind: Kind,
    key: &'static str,
    body: Json,
    plan: Plan,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chat,
    CreateTask,
    TaskResult,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let stand_in = Arc::new(StandIn::default());
    let listener = TcpListener::bind(cli.listen).await.with_context(|| format!("{} is taken", cli.listen))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let stand_in = Arc::clone(&stand_in);
        tokio::spawn(async move {
            // An error of the handler closes the connection without an answer.
            let service = service_fn(move |request| Arc::clone(&stand_in).handle(request));
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl StandIn {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        if let Some(plan) = path.strip_prefix("/_seen/") {
            let seen = locked(&self.seen).get(plan).cloned().unwrap_or_default();
            return answer(200, serde_json::to_vec(&seen)?);
        }
        let mut body: Json = serde_json::from_slice(&body.collect().await?.to_bytes()).unwrap_or_default();
        if let Some(path) = path.strip_prefix("/lemon-squeezy") {
            return self.lemon_squeezy.handle(path, &head, body).await;
        }
        if let Some(plan) = path.strip_prefix("/_elsewhere/") {
            // Whoever follows a redirect is seen to.
            self.see(plan, Seen { method: head.method.to_string(), path: path.clone(), has_key: false, body });
            return answer(200, b"{}".to_vec());
        }
        let (provider, kind) = match path.as_str() {
            "/openai/v1/chat/completions" => ("openai", Kind::Chat),
            "/deepseek/chat/completions" => ("deepseek", Kind::Chat),
            "/captcha/createTask" => ("captcha", Kind::CreateTask),
            "/captcha/getTaskResult" => ("captcha", Kind::TaskResult),
            _ => return answer(404, b"Not Found".to_vec()),
        };
        let key = KEYS.into_iter().find(|(name, _)| *name == provider).context("no key")?.1;
        let bearer = head.headers.get("authorization").and_then(|value| value.to_str().ok());
        let given = body.as_object_mut().and_then(|body| body.remove("clientKey"));
        let has_key = match kind {
            Kind::Chat => bearer == Some(&format!("Bearer {key}")),
            Kind::CreateTask | Kind::TaskResult => given == Some(json!(key)),
        };
        let plan = self.plan_of(kind, &body);
        let seen = Seen { method: head.method.to_string(), path, has_key, body: body.clone() };
        let earlier = self.see(&plan.id, seen);
        let question = Question { kind, key, body, plan };
        if !has_key {
            return question.refused(if kind == Kind::Chat { 401 } else { 200 });
        }
        self.act(question, earlier).await
    }

    /// The plan that a request names, or its captcha did; else the usual one.
    fn plan_of(&self, kind: Kind, body: &Json) -> Plan {
        let found = match kind {
            Kind::Chat => body["messages"][0]["content"].as_str().and_then(Plan::find),
            Kind::CreateTask => body["task"]["websiteURL"].as_str().and_then(Plan::find),
            Kind::TaskResult => body["taskId"].as_u64().and_then(|task| locked(&self.tasks).get(&task).cloned()),
        };
        let usual = match kind {
            Kind::Chat => vec![Step::Ok],
            Kind::CreateTask | Kind::TaskResult => vec![Step::Ok, Step::Processing, Step::Ok],
        };
        found.unwrap_or_else(|| Plan::new(&usual))
    }

    /// Remembers a request, and tells how many of its plan came before it.
    fn see(&self, plan: &str, request: Seen) -> usize {
        let mut seen = locked(&self.seen);
        let seen = seen.entry(plan.to_owned()).or_default();
        seen.push(request);
        seen.len() - 1
    }

    async fn act(&self, question: Question, earlier: usize) -> anyhow::Result<Response<Body>> {
        let usual = self.usual(&question);
        match question.plan.step(earlier) {
            Step::Ok => answer(200, usual.to_string().into_bytes()),
            Step::Processing => answer(200, json!({"errorId": 0, "status": "processing"}).to_string().into_bytes()),
            Step::Closed => bail!("as planned"),
            Step::Cut => cut(usual.to_string().as_bytes()),
            Step::Slow(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                answer(200, usual.to_string().into_bytes())
            }
            Step::Status(status) => question.refused(status),
            Step::RefusedIn200 => question.refused(200),
            Step::Redirected => {
                let elsewhere = format!("/_elsewhere/{}", question.plan.id);
                Ok(Response::builder().status(307).header("location", elsewhere).body(whole(Vec::new()))?)
            }
            Step::Garbage => answer(200, b"\xff\xfe<html>upstream connect error".to_vec()),
            Step::OtherJson => {
                let told = json!({"errorId": 0, "choices": "none", "taskId": {}, "key": question.key});
                answer(200, told.to_string().into_bytes())
            }
            Step::Huge => answer(200, [usual.to_string().into_bytes(), vec![b' '; HUGE]].concat()),
            Step::Empty => answer(200, question.empty().to_string().into_bytes()),
        }
    }

    /// The documented answer.
    fn usual(&self, question: &Question) -> Json {
        match question.kind {
            Kind::Chat => chat(question, &format!("An answer to: {}", question.body["messages"][0]["content"])),
            Kind::CreateTask => {
                let task = 74_372_499_131 + self.last_task.fetch_add(1, Ordering::Relaxed);
                locked(&self.tasks).insert(task, question.plan.clone());
                json!({"errorId": 0, "taskId": task})
            }
            Kind::TaskResult => json!({
                "errorId": 0,
                "status": "ready",
                "solution": {
                    "gRecaptchaResponse": format!("03A-{}", question.plan.id),
                    "token": format!("03A-{}", question.plan.id),
                },
                "cost": "0.00299",
                "ip": "1.2.3.4",
                "createTime": 1_692_863_536,
                "endTime": 1_692_863_556,
                "solveCount": 1,
            }),
        }
    }
}

fn chat(question: &Question, content: &str) -> Json {
    json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_741_569_952,
        "model": question.body["model"],
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": null, "annotations": []},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    })
}

impl Question {
    /// A refusal with this status, as the provider tells it; its message repeats the key.
    fn refused(&self, status: u16) -> anyhow::Result<Response<Body>> {
        let message = format!("Incorrect API key provided: {}", self.key);
        let (name, code) = match status {
            429 => ("rate_limit_exceeded", "ERROR_NO_SLOT_AVAILABLE"),
            401 => ("invalid_api_key", "ERROR_KEY_DOES_NOT_EXIST"),
            500.. => ("server_error", "ERROR_INTERNAL"),
            _ => ("invalid_request_error", "ERROR_CAPTCHA_UNSOLVABLE"),
        };
        let told = match self.kind {
            Kind::Chat => json!({"error": {"message": message, "type": name, "param": null, "code": name}}),
            Kind::CreateTask | Kind::TaskResult => {
                json!({"errorId": 12, "errorCode": code, "errorDescription": message})
            }
        };
        answer(status, told.to_string().into_bytes())
    }

    /// An answer with nothing in it.
    fn empty(&self) -> Json {
        match self.kind {
            Kind::Chat => chat(self, ""),
            Kind::CreateTask => json!({"errorId": 0, "taskId": ""}),
            Kind::TaskResult => json!({"errorId": 0, "status": "ready", "solution": {}, "cost": "0.00299"}),
        }
    }
}

fn answer(status: u16, body: Vec<u8>) -> anyhow::Result<Response<Body>> {
    Ok(Response::builder().status(status).header("content-type", "application/json").body(whole(body))?)
}

fn whole(body: Vec<u8>) -> Body {
    Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {}).boxed()
}

/// Announces a whole answer, and breaks off in its middle.
fn cut(body: &[u8]) -> anyhow::Result<Response<Body>> {
    let half = Ok(Frame::data(Bytes::copy_from_slice(&body[..body.len() / 2])));
    let frames = stream::iter([half, Err(io::Error::other("as planned"))]);
    let response = Response::builder().header("content-type", "application/json").header("content-length", body.len());
    Ok(response.body(BodyExt::boxed(StreamBody::new(frames)))?)
}

fn locked<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
