//! A user of the extraction cloud, who calls its API over HTTP.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, ensure};
use api::identity::{Identity, KeyKind, KeyRecord};
use reqwest::{Method, RequestBuilder, Response, redirect};
use secrets::ApiKey;
use serde_json::{Value as Json, json};
use table::Clock;
use uuid::Uuid;

use crate::answer::Answer;
use crate::stack::eventually;

/// A user with a key. Each calls from an address of its own, so that limits by address do not join tests.
#[derive(Clone, Debug)]
pub struct User {
    /// The user's id.
    pub id: String,
    /// The user's API key.
    pub key: String,
    /// Where the user calls from.
    pub address: IpAddr,
    url: String,
    client: reqwest::Client,
}

impl User {
    pub(crate) fn new(url: String, id: String, key: String) -> anyhow::Result<Self> {
        let address = any_loopback_address();
        Ok(Self { id, key, address, url, client: client_from(address)? })
    }

    /// A request with the user's key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.key)
    }

    /// A request from the user's address, without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Calls an endpoint, and gives whatever it answers.
    pub async fn call(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).send().await?).await
    }

    /// Calls an endpoint with a body, and gives whatever it answers.
    pub async fn send(&self, method: Method, path: &str, body: &Json) -> anyhow::Result<Answer> {
        Answer::of(self.request(method, path).json(body).send().await?).await
    }

    /// `GET`s a path, which must succeed, and gives its JSON.
    pub async fn get(&self, path: &str) -> anyhow::Result<Json> {
        json_of(self.request(Method::GET, path).send().await?).await
    }

    /// Creates a task, which must succeed, and gives it.
    pub async fn create_task(&self, config: Json) -> anyhow::Result<Json> {
        let body = json!({"name": "A task", "task_type": "simple_scraping", "config": config});
        json_of(self.request(Method::POST, "/tasks").json(&body).send().await?).await
    }

    /// Waits until a task has ended, and gives it.
    pub async fn ended(&self, task: &Json) -> anyhow::Result<Json> {
        let path = format!("/tasks/{}", id_of(task)?);
        let what = format!("{path} has ended");
        eventually(&what, async || {
            let answer = self.call(Method::GET, &path).await?;
            // Whoever asks for so long that the limit is reached has not been told that it has ended.
            if answer.status == 429 {
                return Ok(None);
            }
            let task = answer.success(200)?;
            let ended = matches!(task["status"].as_str(), Some("completed" | "failed" | "cancelled"));
            if !ended {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            Ok(ended.then_some(task))
        })
        .await
    }

    /// Downloads a task's result, which must be there.
    pub async fn download(&self, task: &Json) -> anyhow::Result<Response> {
        let path = format!("/tasks/{}/download", id_of(task)?);
        Ok(self.request(Method::GET, &path).send().await?.error_for_status()?)
    }

    /// All lines of a task's log, each as `LEVEL message`.
    pub async fn log(&self, task: &Json) -> anyhow::Result<Vec<String>> {
        let page = self.get(&format!("/tasks/{}/logs?page_size=500", id_of(task)?)).await?;
        let line = |line: &Json| Some(format!("{} {}", line["level"].as_str()?, line["message"].as_str()?));
        Ok(page["logs"].as_array().context("no logs")?.iter().filter_map(line).collect())
    }
}

/// The id of a task object.
pub fn id_of(task: &Json) -> anyhow::Result<&str> {
    task["id"].as_str().with_context(|| format!("no id in {task}"))
}

/// The JSON of an answer that must be a success.
pub async fn json_of(response: Response) -> anyhow::Result<Json> {
    let url = response.url().clone();
    let answer = Answer::of(response).await?;
    ensure!((200..300).contains(&answer.status), "{url} answered {}: {}", answer.status, answer.text()?);
    answer.json().with_context(|| url.to_string())
}

/// A client that calls from `address`.
pub fn client_from(address: IpAddr) -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .local_address(address)
        .redirect(redirect::Policy::limited(5))
        .timeout(Duration::from_secs(30))
        .build()?;
    Ok(client)
}

/// A new key of an API that knows no users, in clear.
pub(crate) async fn add_key(identities: &Identity, kind: KeyKind, is_operator: bool) -> anyhow::Result<String> {
    let key = ApiKey::generate("sk_test_").map_err(|_| anyhow::anyhow!("no randomness"))?;
    let record = KeyRecord {
        kind,
        id: Uuid::new_v4().to_string(),
        user_id: Uuid::new_v4().to_string(),
        is_operator,
        name: "test".to_owned(),
        description: None,
        preview: key.preview(),
        permissions: Vec::new(),
        is_active: true,
        last_used_at: None,
        created_at: Clock::system().now(),
    };
    identities.add_key(&key.hash(), &record).await?;
    Ok(key.reveal().to_owned())
}

/// Some address of the loopback network, for a caller to call from.
#[must_use]
pub fn any_loopback_address() -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, fastrand::u8(100..200), fastrand::u8(..), fastrand::u8(2..255)))
}
