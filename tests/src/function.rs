//! A function's own process, fed by a Runtime API of the test's: what Lambda does, without a cloud around it. So a test can have as many
//! as it likes, on any engine of DynamoDB, and knows which of them did what.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use serde_json::{Value as Json, json};
use table::Clock;
use table::aws::setting;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::leaks::provider_key_in;
use crate::stack::Stack;

/// How long an invocation may take unless the test says otherwise, as most functions have it in template.yaml.
const TIME_LIMIT: Duration = Duration::from_secs(29);

/// How a function says that its answer is passed on as it is made.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// A running function.
pub struct FunctionProcess {
    invocations: mpsc::Sender<Invocation>,
    /// Its log lines. Held for a whole invocation: as on Lambda, one process does one thing at a time.
    log: Mutex<Lines<BufReader<ChildStdout>>>,
    server: JoinHandle<()>,
    time_limit: Duration,
    // Killed when this is dropped.
    _process: Child,
}

/// An answer of an HTTP function, with the access line that the function has logged of it.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The HTTP status.
    pub status: u64,
    /// The body, if there is one and it is JSON.
    pub body: Json,
    /// The body as a text.
    pub text: String,
    /// The access line: what the request cost is in it.
    pub line: Json,
    /// What else was logged.
    pub log: Vec<Json>,
}

/// An answer of an HTTP function that is passed on as it is made.
#[derive(Debug)]
pub struct Streamed {
    /// The HTTP status.
    pub status: u64,
    /// The headers, by their names in lower case.
    pub headers: Json,
    /// What of the body came with the head.
    begun: Option<Bytes>,
    rest: mpsc::Receiver<Bytes>,
}

/// How an invocation is answered.
#[derive(Debug)]
enum Answered {
    Whole(Result<Json, Json>),
    Stream(mpsc::Receiver<Bytes>),
}

struct Invocation {
    event: Json,
    answer: oneshot::Sender<Answered>,
}

/// What the Runtime API knows.
struct Runtime {
    waiting: Mutex<mpsc::Receiver<Invocation>>,
    running: SyncMutex<HashMap<String, oneshot::Sender<Answered>>>,
    time_limit: Duration,
}

impl Streamed {
    /// The head and what follows it: the status and the headers as JSON, eight NULs, and the body.
    async fn of(mut stream: mpsc::Receiver<Bytes>) -> anyhow::Result<Self> {
        const END: [u8; 8] = [0; 8];
        let mut read = Vec::new();
        let end = loop {
            if let Some(at) = read.windows(END.len()).position(|part| part == END) {
                break at;
            }
            read.extend(stream.recv().await.context("the answer has no head")?);
        };
        let head: Json = serde_json::from_slice(&read[..end])?;
        let begun = Some(Bytes::from(read.split_off(end + END.len()))).filter(|begun| !begun.is_empty());
        let status = head["statusCode"].as_u64().context("no status")?;
        Ok(Self { status, headers: head["headers"].clone(), begun, rest: stream })
    }

    /// The next piece of the body; none at its end.
    pub async fn next(&mut self) -> Option<Bytes> {
        match self.begun.take() {
            Some(begun) => Some(begun),
            None => self.rest.recv().await,
        }
    }
}

impl FunctionProcess {
    /// Starts the binary `name`, as the workspace's build has left it, with nothing in its environment but this.
    pub async fn start(name: &str, environment: &HashMap<String, String>) -> anyhow::Result<Self> {
        Self::start_within(name, environment, TIME_LIMIT).await
    }

    /// Starts it, of which an invocation may take so long ([`Stack::time_limit_of`]).
    pub async fn start_within(
        name: &str,
        environment: &HashMap<String, String>,
        time_limit: Duration,
    ) -> anyhow::Result<Self> {
        let (invocations, waiting) = mpsc::channel(1);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let runtime = Arc::new(Runtime { waiting: Mutex::new(waiting), running: SyncMutex::default(), time_limit });
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, runtime_api(runtime)).await;
        });
        let mut process = Command::new(binary(name)?)
            .env_clear()
            .envs(environment)
            .envs(lambda(name, address))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        let log = BufReader::new(process.stdout.take().context("no output")?).lines();
        Ok(Self { invocations, log: Mutex::new(log), server, time_limit, _process: process })
    }

    /// Lets an HTTP function answer a request, as API Gateway would.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Invoked> {
        self.request_from(IpAddr::V4(Ipv4Addr::LOCALHOST), method, path, headers, body).await
    }

    /// Lets it answer a request of a caller at this address.
    pub async fn request_from(
        &self,
        source: IpAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Invoked> {
        let mut log = self.log.lock().await;
        let answer = self.invoke(gateway_event(source, method, path, headers, body)).await?;
        let mut lines = Vec::new();
        let line = loop {
            let line = log.next_line().await?.context("the function has ended")?;
            let Ok(told) = serde_json::from_str::<Json>(&line) else { bail!("no log line: {line}") };
            if told["message"] == "answered" {
                break told;
            }
            if matches!(told["level"].as_str(), Some("WARN" | "ERROR")) {
                println!("{line}");
            }
            lines.push(told);
        };
        let text = answer["body"].as_str().unwrap_or_default();
        ensure!(provider_key_in(text).is_none(), "{path} answered with a provider's key: {text}");
        let body = serde_json::from_str(text).unwrap_or_default();
        let status = answer["statusCode"].as_u64().context("no status")?;
        Ok(Invoked { status, body, text: text.to_owned(), line, log: lines })
    }

    /// Lets a function that answers no requests deal with an event, and gives its answer. What it logs is read and dropped.
    pub async fn event(&self, event: &Json) -> anyhow::Result<Json> {
        let mut log = self.log.lock().await;
        let mut answer = std::pin::pin!(self.invoke(event.clone()));
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                line = log.next_line() => {
                    let line = line?.context("the function has ended")?;
                    if line.contains("\"ERROR\"") {
                        println!("{line}");
                    }
                }
            }
        }
    }

    /// Lets a function answer a request whose answers are passed on as they are made. As on Lambda it goes on to its end whether anybody reads it or not,
    /// and answers the next request then.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Streamed> {
        let mut log = self.log.lock().await;
        // What the last one has said: nobody else reads it, and the function would wait for somebody.
        while let Ok(line) = tokio::time::timeout(Duration::from_millis(1), log.next_line()).await {
            line?.context("the function has ended")?;
        }
        match self.invoked(gateway_event(Ipv4Addr::LOCALHOST.into(), "GET", path, headers, "")).await? {
            Answered::Stream(stream) => Streamed::of(stream).await,
            Answered::Whole(answer) => bail!("the answer is no stream: {answer:?}"),
        }
    }

    /// The next line that a function logs with this message, while it answers a request that it passes on as it makes it.
    pub async fn logged(&self, message: &str) -> anyhow::Result<Json> {
        let mut log = self.log.lock().await;
        loop {
            let line = log.next_line().await?.context("the function has ended")?;
            let told: Json = serde_json::from_str(&line).with_context(|| format!("no log line: {line}"))?;
            if told["message"] == message {
                return Ok(told);
            }
        }
    }

    async fn invoke(&self, event: Json) -> anyhow::Result<Json> {
        match self.invoked(event).await? {
            Answered::Whole(Ok(answer)) => Ok(answer),
            Answered::Whole(Err(error)) => bail!("the function failed: {error}"),
            Answered::Stream(_) => bail!("the answer is a stream"),
        }
    }

    async fn invoked(&self, event: Json) -> anyhow::Result<Answered> {
        let (answer, answered) = oneshot::channel();
        ensure!(self.invocations.send(Invocation { event, answer }).await.is_ok(), "the Runtime API has ended");
        Ok(tokio::time::timeout(self.time_limit, answered).await.context("the function takes too long")??)
    }
}

impl Stack {
    /// The environment that a function is deployed with, and an operator's way to AWS.
    pub async fn environment_of(&self, function: &str) -> anyhow::Result<HashMap<String, String>> {
        let deployed = self.settings_of(function).await?;
        let variables = deployed.environment.and_then(|environment| environment.variables);
        let mut environment = variables.with_context(|| format!("{function} has no environment"))?;
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_DYNAMODB",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            let value = setting(name).context("run the suites by tests/run")?;
            environment.insert(name.to_owned(), value);
        }
        Ok(environment)
    }

    /// How long an invocation of a function may take, as it is deployed.
    pub async fn time_limit_of(&self, function: &str) -> anyhow::Result<Duration> {
        let seconds = self.settings_of(function).await?.timeout.context("no time limit")?;
        Ok(Duration::from_secs(u64::try_from(seconds)?))
    }

    async fn settings_of(&self, function: &str) -> anyhow::Result<GetFunctionConfigurationOutput> {
        let client = aws_sdk_lambda::Client::new(&self.config);
        Ok(client.get_function_configuration().function_name(format!("{}-{function}", self.name)).send().await?)
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The binary beside this test's.
pub(crate) fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(std::path::Path::parent).context("the test is nowhere")?;
    Ok(folder.join(name))
}

/// What Lambda itself puts into a function's environment.
fn lambda(name: &str, runtime_api: SocketAddr) -> HashMap<String, String> {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", String::new()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", String::new()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
fn runtime_api(runtime: Arc<Runtime>) -> Router {
    let invocation = Router::new()
        .route("/next", get(next))
        .route("/{id}/response", post(response))
        .route("/{id}/error", post(error));
    Router::new().nest("/2018-06-01/runtime/invocation", invocation).with_state(runtime)
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let Some(Invocation { event, answer }) = runtime.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = uuid::Uuid::new_v4().to_string();
    let deadline = Clock::system().now().after(runtime.time_limit).0.to_string();
    runtime.answering().insert(id.clone(), answer);
    let headers = [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", &deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:000000000000:function:test"),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(state: State<Arc<Runtime>>, id: Path<String>, request: Request) -> StatusCode {
    let is_stream = request.headers().get(RESPONSE_MODE).is_some_and(|mode| mode == "streaming");
    let mut body = request.into_body().into_data_stream();
    if is_stream {
        let (pieces, stream) = mpsc::channel(16);
        let status = answered(&state, &id, Answered::Stream(stream));
        while let Some(Ok(piece)) = body.next().await {
            // Who has left is told nothing; the function does not know.
            let _ = pieces.send(piece).await;
        }
        return status;
    }
    let mut whole = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        whole.extend(piece);
    }
    let answer = serde_json::from_slice(&whole).map_err(|error| json!(error.to_string()));
    answered(&state, &id, Answered::Whole(answer))
}

async fn error(state: State<Arc<Runtime>>, id: Path<String>, body: Bytes) -> StatusCode {
    answered(&state, &id, Answered::Whole(Err(serde_json::from_slice(&body).unwrap_or_default())))
}

fn answered(runtime: &Runtime, id: &str, answer: Answered) -> StatusCode {
    match runtime.answering().remove(id).map(|waiting| waiting.send(answer)) {
        Some(_) => StatusCode::ACCEPTED,
        None => StatusCode::BAD_REQUEST,
    }
}

impl Runtime {
    fn answering(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Answered>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The event of API Gateway's REST proxy:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
fn gateway_event(source: IpAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Json {
    // No test's query has anything that would have to be unescaped.
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: HashMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let queries: HashMap<_, _> = query.iter().map(|(name, value)| (name, [value])).collect();
    let single: HashMap<_, _> = headers.iter().copied().chain([("Host", "localhost")]).collect();
    let multiple: HashMap<_, _> = single.iter().map(|(name, value)| (name, [value])).collect();
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": single,
        "multiValueHeaders": multiple,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": queries,
        "pathParameters": {},
        "stageVariables": {},
        "requestContext": {
            "resourceId": "test",
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": path,
            "stage": "live",
            "requestId": uuid::Uuid::new_v4(),
            "apiId": "test",
            "identity": {"sourceIp": source},
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
