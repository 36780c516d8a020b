//! A caller of the worker API: a worker with its token, or an administrator.

use std::net::IpAddr;

use anyhow::{Context, ensure};
use api::identity::{Identity, KeyKind};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use table::{Clock, Key, Millis, Update};
use uuid::Uuid;

use crate::answer::Answer;
use crate::stack::Stack;
use crate::user::{add_key, any_loopback_address, client_from};

/// A caller with a token, an address and a name of its own.
#[derive(Clone, Debug)]
pub struct Worker {
    /// What it is called.
    pub name: String,
    /// Its token.
    pub token: String,
    /// Where it calls from: limits are by address.
    pub address: IpAddr,
    url: String,
    client: reqwest::Client,
}

impl Stack {
    /// A new worker with a token of its own.
    pub async fn worker(&self) -> anyhow::Result<Worker> {
        let identities = Identity::new(self.table("identity"), Clock::system());
        Worker::new(self.url.clone(), add_key(&identities, KeyKind::Worker, false).await?)
    }

    /// The deployment's administrator, who calls the worker API.
    pub fn worker_administrator(&self) -> anyhow::Result<Worker> {
        let token =
            std::env::var("DROVER_ADMIN_KEY").context("DROVER_ADMIN_KEY is not set: run the suites by tests/run")?;
        Worker::new(self.url.clone(), token)
    }
}

impl Worker {
    /// A worker with this token, at an address of its own.
    pub fn new(url: String, token: String) -> anyhow::Result<Self> {
        let address = any_loopback_address();
        Ok(Self {
            name: format!("worker-{}", Uuid::new_v4().simple()),
            token,
            address,
            url,
            client: client_from(address)?,
        })
    }

    /// The same worker, calling from another address, where nothing has been counted yet.
    pub fn elsewhere(&self) -> anyhow::Result<Self> {
        let address = any_loopback_address();
        Ok(Self { address, client: client_from(address)?, ..self.clone() })
    }

    /// A request with the token, and the worker's name.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.unnamed(method, path).header("X-Worker-ID", &self.name)
    }

    /// A request with the token, which does not say which worker it is of.
    pub fn unnamed(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header("X-API-Token", &self.token)
    }

    /// A request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api{path}", self.url))
    }

    /// Calls an endpoint, and gives whatever it answers.
    pub async fn call(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).send().await?).await
    }

    /// Calls an endpoint with a body, and gives whatever it answers.
    pub async fn send(&self, method: Method, path: &str, body: &Json) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).json(body).send().await?).await
    }

    /// Makes a campaign, and gives its number.
    pub async fn campaign(&self) -> anyhow::Result<u64> {
        let made = self.send(Method::POST, "/campaigns", &json!({"name": "A campaign"})).await?.success(201)?;
        made["campaign"]["id"].as_u64().context("no id")
    }

    /// Makes a task, and gives its number.
    pub async fn task(&self, new: &Json) -> anyhow::Result<u64> {
        let made = self.send(Method::POST, "/tasks", new).await?.success(201)?;
        made["task"]["id"].as_u64().context("no id")
    }

    /// A task, as administrators see it.
    pub async fn shown_task(&self, id: u64) -> anyhow::Result<Json> {
        Ok(self.call(Method::GET, &format!("/tasks/{id}")).await?.success(200)?["task"].clone())
    }

    /// Makes a record at a path, and gives it: what the answer has under `one`.
    pub async fn made(&self, path: &str, one: &str, new: &Json) -> anyhow::Result<Json> {
        Ok(self.send(Method::POST, path, new).await?.success(201)?[one].clone())
    }

    /// Makes a proxy, and gives its number.
    pub async fn proxy(&self, new: &Json) -> anyhow::Result<u64> {
        self.made("/proxies", "proxy", new).await?["id"].as_u64().context("no id")
    }

    /// A proxy, as administrators see it.
    pub async fn shown_proxy(&self, id: u64) -> anyhow::Result<Json> {
        Ok(self.call(Method::GET, &format!("/proxies/{id}")).await?.success(200)?["proxy"].clone())
    }

    /// The proxies that a worker is given by this query string, page by page.
    pub async fn proxies(&self, query: &str) -> anyhow::Result<Vec<Json>> {
        let (mut proxies, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/proxies?{query}&cursor={cursor}");
            let mut page = self.call(Method::GET, &path).await?.success(200)?;
            proxies.append(page["proxies"].as_array_mut().context("no proxies")?);
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok(proxies),
            }
        }
    }

    /// Says of a proxy whether it has worked (`success`, `failure`), under this idempotency key if there is one, and gives whatever is
    /// answered.
    pub async fn report_proxy(&self, id: u64, what: &str, key: Option<&str>) -> anyhow::Result<Answer> {
        let mut request = self.request(Method::POST, &format!("/proxies/{id}/{what}"));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        Answer::of(request.send().await?).await
    }

    /// Locks a task, which must be free.
    pub async fn lock(&self, id: u64) -> anyhow::Result<Json> {
        Ok(self.call(Method::POST, &format!("/tasks/{id}/lock")).await?.success(200)?["task"].clone())
    }

    /// Reports on a task, and gives whatever is answered.
    pub async fn report(&self, id: u64, report: &Json) -> anyhow::Result<Answer> {
        self.send(Method::PUT, &format!("/tasks/{id}/status"), report).await
    }

    /// The numbers of the tasks that are due, by this query string.
    pub async fn pending(&self, query: &str) -> anyhow::Result<Vec<u64>> {
        let told = self.call(Method::GET, &format!("/tasks/pending?{query}")).await?.success(200)?;
        let tasks = told["tasks"].as_array().context("no tasks")?;
        Ok(tasks.iter().filter_map(|task| task["id"].as_u64()).collect())
    }
}

impl Stack {
    /// Ends a task's lock or pause now: the shortest of either is half a minute, and what is here made of one is what the time would.
    pub async fn end_task_wait(&self, id: u64) -> anyhow::Result<()> {
        self.end_wait(&format!("TASK#{id}")).await
    }

    /// Ends a proxy's rest now: the first is five minutes.
    pub async fn end_rest(&self, id: u64) -> anyhow::Result<()> {
        self.end_wait(&format!("PROXY#{id}")).await
    }

    async fn end_wait(&self, record: &str) -> anyhow::Result<()> {
        let past = Millis(Clock::system().now().0 - 1);
        let over = Update::new().set("claimable_at", past).when(table::Condition::Exists("claimable_at"));
        self.table("worker").update(&Key::new(record, "RECORD"), over).await?;
        Ok(())
    }
}

impl Answer {
    /// The message of the worker API's error body, which this must be with this status, without fields: `{"error"}`.
    pub fn worker_error(&self, status: u16) -> anyhow::Result<String> {
        let body = self.worker_body(status)?;
        ensure!(body.as_object().is_some_and(|body| body.len() == 1), "more than an error: {body}");
        body["error"].as_str().filter(|text| !text.is_empty()).map(str::to_owned).context("no error")
    }

    /// The fields that a 400 of the worker API names, each with messages: `{"error", "errors": {field: [message]}}`.
    pub fn worker_faults(&self) -> anyhow::Result<Vec<String>> {
        let body = self.worker_body(400)?;
        let errors = body["errors"].as_object().with_context(|| format!("no errors: {body}"))?;
        for (field, messages) in errors {
            let messages = messages.as_array().filter(|messages| !messages.is_empty());
            let told = messages.is_some_and(|messages| messages.iter().all(|message| message.as_str().is_some()));
            ensure!(told, "{field} has no messages: {body}");
        }
        ensure!(body.as_object().is_some_and(|body| body.len() == 2), "more than faults: {body}");
        Ok(errors.keys().cloned().collect())
    }

    fn worker_body(&self, status: u16) -> anyhow::Result<Json> {
        let body = self.success(status)?;
        ensure!(self.header("content-type") == Some("application/json"), "not JSON by its header: {self:?}");
        for header in ["x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining"] {
            ensure!(self.header(header).is_some(), "no {header}: {self:?}");
        }
        Ok(body)
    }
}
